// swift-tools-version: 5.9
import PackageDescription

let package = Package(
    name: "vz-helper",
    platforms: [.macOS(.v14)],
    targets: [.executableTarget(name: "vz-helper")]
)
