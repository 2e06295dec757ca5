import Foundation

/// A directory of its own for one test, removed with the object.
public final class TemporaryFolder: Sendable {
    /// Where it is.
    public let path: String

    /// Makes the directory.
    public init() throws {
        path = NSTemporaryDirectory() + "/fsot-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A path below the directory.
    public func file(_ name: String) -> String { path + "/" + name }
}
