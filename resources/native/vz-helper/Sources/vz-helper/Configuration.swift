import Foundation
import Virtualization

/// Makes the framework's configuration of the options. Fails with what the framework does not take.
func makeConfiguration(_ options: Options) throws -> VZVirtualMachineConfiguration {
    let configuration = VZVirtualMachineConfiguration()
    configuration.cpuCount = options.cpus
    configuration.memorySize = options.memoryMiB * 1024 * 1024
    configuration.bootLoader = bootLoader(options)
    configuration.platform = try platform(options)
    configuration.storageDevices = try options.disks.map(storageDevice)
    configuration.networkDevices = try options.hasNetwork ? [networkDevice(options)] : []
    configuration.socketDevices = options.vsock.isEmpty ? [] : [VZVirtioSocketDeviceConfiguration()]
    configuration.entropyDevices = options.hasEntropy ? [VZVirtioEntropyDeviceConfiguration()] : []
    configuration.memoryBalloonDevices = options.hasBalloon ? [VZVirtioTraditionalMemoryBalloonDeviceConfiguration()] : []
    configuration.serialPorts = try options.console.map { [try serialPort($0)] } ?? []
    if let tag = options.shareTag {
        let device = VZVirtioFileSystemDeviceConfiguration(tag: tag)
        device.share = VZMultipleDirectoryShare(directories: [:])
        configuration.directorySharingDevices = [device]
    }
    try configuration.validate()
    if options.machineIdentifier != nil { try configuration.validateSaveRestoreSupport() }
    return configuration
}

private func bootLoader(_ options: Options) -> VZLinuxBootLoader {
    let loader = VZLinuxBootLoader(kernelURL: URL(fileURLWithPath: options.kernel))
    loader.initialRamdiskURL = options.initrd.isEmpty ? nil : URL(fileURLWithPath: options.initrd)
    loader.commandLine = options.commandLine
    return loader
}

/// A machine with another identifier does not take a saved memory, so the identifier is kept in a file.
private func platform(_ options: Options) throws -> VZGenericPlatformConfiguration {
    let platform = VZGenericPlatformConfiguration()
    guard let path = options.machineIdentifier else { return platform }
    let url = URL(fileURLWithPath: path)
    if FileManager.default.fileExists(atPath: path) {
        guard let identifier = VZGenericMachineIdentifier(dataRepresentation: try Data(contentsOf: url)) else {
            throw HelperError("\(path) is no machine identifier")
        }
        platform.machineIdentifier = identifier
    } else {
        try platform.machineIdentifier.dataRepresentation.write(to: url, options: .atomic)
    }
    return platform
}

/// `cached`: with `automatic` guests on Apple silicon have lost their file systems. `full`: what was synced survives a loss of power.
private func storageDevice(_ disk: Disk) throws -> VZVirtioBlockDeviceConfiguration {
    let attachment = try VZDiskImageStorageDeviceAttachment(
        url: URL(fileURLWithPath: disk.path),
        readOnly: disk.readOnly,
        cachingMode: .cached,
        synchronizationMode: .full
    )
    let device = VZVirtioBlockDeviceConfiguration(attachment: attachment)
    if !disk.identifier.isEmpty {
        try VZVirtioBlockDeviceConfiguration.validateBlockDeviceIdentifier(disk.identifier)
        device.blockDeviceIdentifier = disk.identifier
    }
    return device
}

private func networkDevice(_ options: Options) throws -> VZVirtioNetworkDeviceConfiguration {
    let device = VZVirtioNetworkDeviceConfiguration()
    if let path = options.networkSocket {
        device.attachment = VZFileHandleNetworkDeviceAttachment(fileHandle: try connectDatagramSocket(to: path))
    } else {
        device.attachment = VZNATNetworkDeviceAttachment()
    }
    if let text = options.macAddress {
        guard let address = VZMACAddress(string: text) else { throw HelperError("\(text) is no MAC address") }
        device.macAddress = address
    }
    return device
}

private func serialPort(_ path: String) throws -> VZVirtioConsoleDeviceSerialPortConfiguration {
    let port = VZVirtioConsoleDeviceSerialPortConfiguration()
    port.attachment = try VZFileSerialPortAttachment(url: URL(fileURLWithPath: path), append: false)
    return port
}
