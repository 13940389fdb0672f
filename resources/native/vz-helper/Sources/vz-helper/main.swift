import Foundation

let version = "0.1.0"

func say(_ message: String) {
    FileHandle.standardError.write(Data("\(message)\n".utf8))
}

func fail(_ error: Error) -> Never {
    say("Error: \(error)")
    exit(1)
}

if CommandLine.arguments.dropFirst() == ["--version"] {
    print("vz-helper version: \(version)")
    exit(0)
}

// A peer that goes away is an error of its connection and nothing else.
signal(SIGPIPE, SIG_IGN)

do {
    let options = try Options(arguments: Array(CommandLine.arguments.dropFirst()))
    if let path = options.pidFile { try Data("\(getpid())".utf8).write(to: URL(fileURLWithPath: path)) }
    let machine = try Machine(options) { error in
        unlink(options.restSocket)
        for listener in options.vsock { unlink(listener.socketPath) }
        if let error { fail(error) }
        say("VM is stopped")
        exit(0)
    }
    try RestService(machine: machine).serve(at: options.restSocket)
    if !options.waits {
        Thread.detachNewThread {
            do {
                try machine.start()
                say("virtual machine is running")
            } catch { fail(error) }
        }
    }
    dispatchMain()
} catch {
    fail(error)
}
