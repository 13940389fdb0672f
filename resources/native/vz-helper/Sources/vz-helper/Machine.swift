import Foundation
import Virtualization

/// The machine, used on the main queue alone, as the framework demands. Its methods may be called from any other thread.
final class Machine: NSObject, VZVirtualMachineDelegate {
    private let options: Options
    private let machine: VZVirtualMachine
    private let onEnd: (Error?) -> Void

    init(_ options: Options, onEnd: @escaping (Error?) -> Void) throws {
        self.options = options
        self.onEnd = onEnd
        machine = VZVirtualMachine(configuration: try makeConfiguration(options), queue: .main)
        super.init()
        machine.delegate = self
    }

    func guestDidStop(_: VZVirtualMachine) { onEnd(nil) }
    func virtualMachine(_: VZVirtualMachine, didStopWithError error: Error) { onEnd(error) }

    func start() throws {
        try wait { done in self.machine.start { done($0.failure) } }
        try exposeVsock()
    }

    func change(_ state: String) throws {
        switch state {
        case "Start": try start()
        case "Pause": try wait { done in self.machine.pause { done($0.failure) } }
        case "Resume": try wait { done in self.machine.resume { done($0.failure) } }
        case "Stop": try DispatchQueue.main.sync { try machine.requestStop() }
        case "HardStop":
            try wait { done in self.machine.stop { done($0) } }
            DispatchQueue.main.async { self.onEnd(nil) }
        default: throw HelperError("invalid new VMState: \(state)")
        }
    }

    /// Pauses the machine and writes its memory beside `path` first, so that a file there is always whole.
    func save(to path: String) throws {
        if DispatchQueue.main.sync(execute: { machine.state }) == .running { try change("Pause") }
        let unfinished = URL(fileURLWithPath: path + ".new")
        try? FileManager.default.removeItem(at: unfinished)
        try wait { done in self.machine.saveMachineStateTo(url: unfinished, completionHandler: done) }
        guard rename(unfinished.path, path) == 0 else { throw HelperError("\(path) could not be put in its place") }
    }

    /// Only into a machine that was not started; it goes on where it was saved.
    func restore(from path: String) throws {
        try wait { done in self.machine.restoreMachineStateFrom(url: URL(fileURLWithPath: path), completionHandler: done) }
        try change("Resume")
        try exposeVsock()
    }

    /// Replaces all shared folders; the guest sees it at once.
    func setShares(_ shares: [Share]) throws {
        let directories = Dictionary(
            shares.map { ($0.name, VZSharedDirectory(url: URL(fileURLWithPath: $0.path), readOnly: $0.readOnly)) },
            uniquingKeysWith: { $1 }
        )
        for name in directories.keys { try VZMultipleDirectoryShare.validateName(name) }
        try DispatchQueue.main.sync {
            guard let device = machine.directorySharingDevices.first as? VZVirtioFileSystemDevice else {
                throw HelperError("the machine has no virtio-fs device")
            }
            device.share = VZMultipleDirectoryShare(directories: directories)
        }
    }

    /// As `GET /vm/state` answers.
    var status: [String: Any] {
        DispatchQueue.main.sync {
            [
                "state": "VirtualMachineState\(machine.state.name)",
                "canStart": machine.canStart,
                "canPause": machine.canPause,
                "canResume": machine.canResume,
                "canStop": machine.canRequestStop,
                "canHardStop": machine.canStop,
            ]
        }
    }

    /// As `GET /vm/inspect` answers.
    var inspection: [String: Any] {
        let disks: [[String: Any]] = options.disks.map {
            ["kind": "virtioblk", "devName": "virtio-blk", "imagePath": $0.path, "deviceIdentifier": $0.identifier, "readOnly": $0.readOnly]
        }
        return ["vcpus": options.cpus, "memoryBytes": options.memoryMiB * 1024 * 1024, "devices": disks]
    }

    /// Each connection to a listener's socket becomes one to the guest's port; one that the guest does not take is closed.
    private func exposeVsock() throws {
        for listener in options.vsock {
            acceptForever(try listenStream(at: listener.socketPath)) { host in
                defer { close(host) }
                guard let guest = try? self.connectVsock(listener.port) else { return }
                relay(host, guest.fileDescriptor)
                guest.close()
            }
        }
    }

    private func connectVsock(_ port: UInt32) throws -> VZVirtioSocketConnection {
        let answered = DispatchSemaphore(value: 0)
        var answer: Result<VZVirtioSocketConnection, Error> = .failure(HelperError("the machine has no vsock"))
        DispatchQueue.main.async {
            guard let device = self.machine.socketDevices.first as? VZVirtioSocketDevice else {
                answered.signal()
                return
            }
            device.connect(toPort: port) {
                answer = $0
                answered.signal()
            }
        }
        answered.wait()
        return try answer.get()
    }

    /// Runs a call of the framework on its queue and waits for its answer.
    private func wait(_ call: @escaping (@escaping (Error?) -> Void) -> Void) throws {
        let answered = DispatchSemaphore(value: 0)
        var failure: Error?
        DispatchQueue.main.async {
            call {
                failure = $0
                answered.signal()
            }
        }
        answered.wait()
        if let failure { throw failure }
    }
}

extension Result {
    fileprivate var failure: Error? {
        if case let .failure(error) = self { return error }
        return nil
    }
}

extension VZVirtualMachine.State {
    fileprivate var name: String {
        switch self {
        case .stopped: "Stopped"
        case .running: "Running"
        case .paused: "Paused"
        case .error: "Error"
        case .starting: "Starting"
        case .pausing: "Pausing"
        case .resuming: "Resuming"
        case .stopping: "Stopping"
        case .saving: "Saving"
        case .restoring: "Restoring"
        @unknown default: "Error"
        }
    }
}
