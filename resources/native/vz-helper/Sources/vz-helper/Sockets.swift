import Foundation

/// What gvproxy expects first on a datagram socket, to tell a machine from anybody else.
private let vfkitMagic = Data("VFKT".utf8)
private let sendBufferBytes: Int32 = 1024 * 1024
private let receiveBufferBytes: Int32 = 4 * 1024 * 1024
private let backlog: Int32 = 16

private func withAddress<Result>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) throws -> Result {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { throw HelperError("the path of a socket is too long: \(path)") }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
}

private func failure(_ what: String) -> HelperError {
    HelperError("\(what): \(String(cString: strerror(errno)))")
}

/// A stream socket that listens at a path where nothing may be yet.
func listenStream(at path: String) throws -> Int32 {
    let socket = Darwin.socket(AF_UNIX, SOCK_STREAM, 0)
    guard socket >= 0 else { throw failure("socket") }
    guard try withAddress(path, { bind(socket, $0, $1) }) == 0, listen(socket, backlog) == 0 else {
        close(socket)
        throw failure(path)
    }
    return socket
}

/// gvproxy's end of a network card; our own end lies beside it.
func connectDatagramSocket(to path: String) throws -> FileHandle {
    let socket = Darwin.socket(AF_UNIX, SOCK_DGRAM, 0)
    guard socket >= 0 else { throw failure("socket") }
    let folder = (path as NSString).deletingLastPathComponent
    let own = "\(folder)/vfkit-\(String(getpid(), radix: 16))-\(String(UInt16.random(in: .min ... .max), radix: 16)).sock"
    guard try withAddress(own, { bind(socket, $0, $1) }) == 0, try withAddress(path, { connect(socket, $0, $1) }) == 0 else {
        close(socket)
        throw failure(path)
    }
    for (option, bytes) in [(SO_SNDBUF, sendBufferBytes), (SO_RCVBUF, receiveBufferBytes)] {
        var size = bytes
        setsockopt(socket, SOL_SOCKET, option, &size, socklen_t(MemoryLayout<Int32>.size))
    }
    guard vfkitMagic.withUnsafeBytes({ write(socket, $0.baseAddress, $0.count) }) == vfkitMagic.count else { throw failure(path) }
    return FileHandle(fileDescriptor: socket, closeOnDealloc: true)
}

/// Calls `onConnection` with each connection, on a thread of its own.
func acceptForever(_ listener: Int32, _ onConnection: @escaping (Int32) -> Void) {
    Thread.detachNewThread {
        while true {
            let connection = accept(listener, nil, nil)
            if connection < 0, errno == EINTR || errno == ECONNABORTED { continue }
            guard connection >= 0 else { return }
            Thread.detachNewThread { onConnection(connection) }
        }
    }
}

/// Copies both ways until both have ended; closes neither.
func relay(_ one: Int32, _ other: Int32) {
    let back = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
        copy(from: other, to: one)
        back.signal()
    }
    copy(from: one, to: other)
    back.wait()
}

private func copy(from source: Int32, to target: Int32) {
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    while true {
        let count = read(source, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0, writeAll(target, buffer[..<count]) else { break }
    }
    shutdown(target, SHUT_WR)
    shutdown(source, SHUT_RD)
}

func writeAll(_ target: Int32, _ bytes: some Collection<UInt8>) -> Bool {
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(target, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        rest = rest.dropFirst(count)
    }
    return true
}
