import Foundation

/// What was wrong with a request or an argument, in words for a person.
struct HelperError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

struct Disk {
    let path: String
    let identifier: String
    let readOnly: Bool
}

struct VsockListener {
    let port: UInt32
    let socketPath: String
}

struct Share: Codable {
    let name: String
    let path: String
    let readOnly: Bool
}

/// The command line: vfkit's flags as far as Berth uses them, and this helper's own.
struct Options {
    var cpus = 1
    var memoryMiB: UInt64 = 512
    var kernel = ""
    var initrd = ""
    var commandLine = ""
    var restSocket = ""
    var pidFile: String?
    var machineIdentifier: String?
    var waits = false
    var disks: [Disk] = []
    var vsock: [VsockListener] = []
    var macAddress: String?
    var networkSocket: String?
    var hasNetwork = false
    var hasEntropy = false
    var hasBalloon = false
    var console: String?
    var shareTag: String?

    init(arguments: [String]) throws {
        var rest = arguments[...]
        while let flag = rest.popFirst() {
            if flag == "--wait" {
                waits = true
                continue
            }
            guard let value = rest.popFirst() else { throw HelperError("\(flag) needs a value") }
            try take(flag, value)
        }
        guard !kernel.isEmpty, !restSocket.isEmpty else { throw HelperError("--bootloader and --restful-uri are needed") }
    }

    private mutating func take(_ flag: String, _ value: String) throws {
        switch flag {
        case "--cpus": cpus = try number(flag, value)
        case "--memory": memoryMiB = UInt64(try number(flag, value))
        case "--pidfile": pidFile = value
        case "--machine-identifier": machineIdentifier = value
        case "--bootloader": try takeBootloader(value)
        case "--device": try takeDevice(value)
        case "--restful-uri":
            guard value.hasPrefix("unix:///") else { throw HelperError("--restful-uri has to be unix:///PATH") }
            restSocket = String(value.dropFirst("unix://".count))
        default: throw HelperError("unknown flag: \(flag)")
        }
    }

    private mutating func takeBootloader(_ value: String) throws {
        let (kind, options) = try fields(splitQuoted(value), known: ["kernel", "initrd", "cmdline"])
        guard kind == "linux" else { throw HelperError("unknown bootloader type: \(kind)") }
        kernel = options["kernel"] ?? ""
        initrd = options["initrd"] ?? ""
        commandLine = (options["cmdline"] ?? "").trimmingCharacters(in: ["\""])
    }

    private mutating func takeDevice(_ value: String) throws {
        let parts = value.components(separatedBy: ",")
        switch parts[0] {
        case "virtio-blk":
            let options = try fields(parts, known: ["path", "deviceId", "readonly"]).1
            disks.append(Disk(path: options["path"] ?? "", identifier: options["deviceId"] ?? "", readOnly: options["readonly"] != nil))
        case "virtio-net":
            let options = try fields(parts, known: ["nat", "unixSocketPath", "mac"]).1
            hasNetwork = true
            networkSocket = options["unixSocketPath"]
            macAddress = options["mac"]
        case "virtio-vsock":
            let options = try fields(parts, known: ["port", "socketURL", "connect"]).1
            guard options["connect"] != nil, let port = UInt32(options["port"] ?? "") else { throw HelperError("virtio-vsock needs port and connect") }
            vsock.append(VsockListener(port: port, socketPath: options["socketURL"] ?? ""))
        case "virtio-serial": console = try fields(parts, known: ["logFilePath"]).1["logFilePath"]
        case "virtio-fs": shareTag = try fields(parts, known: ["mountTag"]).1["mountTag"]
        case "virtio-rng": hasEntropy = true
        case "virtio-balloon": hasBalloon = true
        default: throw HelperError("unknown device type: \(parts[0])")
        }
    }
}

private func number(_ flag: String, _ value: String) throws -> Int {
    guard let number = Int(value), number > 0 else { throw HelperError("\(flag) has to be a number above zero, not \(value)") }
    return number
}

/// The kind and the options of a comma-separated value; refuses an option that is not known.
private func fields(_ parts: [String], known: Set<String>) throws -> (String, [String: String]) {
    var options: [String: String] = [:]
    for part in parts.dropFirst() {
        let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard known.contains(pair[0]) else { throw HelperError("unknown option for \(parts[0]): \(pair[0])") }
        options[pair[0]] = pair.count > 1 ? pair[1] : ""
    }
    return (parts[0], options)
}

/// Splits at commas that are not between quotes.
private func splitQuoted(_ text: String) -> [String] {
    var parts = [""]
    var quoted = false
    for character in text {
        if character == "\"" { quoted.toggle() }
        if character == ",", !quoted { parts.append("") } else { parts[parts.count - 1].append(character) }
    }
    return parts
}
