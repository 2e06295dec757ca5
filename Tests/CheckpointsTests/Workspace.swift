import Foundation

/// A directory for one test, removed at its end.
final class Workspace {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "fsot-checkpoints-\(getpid())-\(UInt64.random(in: .min ... .max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    @discardableResult
    func write(_ data: Data, _ name: String) throws -> String {
        try data.write(to: URL(fileURLWithPath: file(name)))
        return file(name)
    }

    @discardableResult
    func write(_ text: String, _ name: String) throws -> String { try write(Data(text.utf8), name) }
}

/// Where fixtures and, when asked for, larger sets lie.
enum Fixture {
    static let root =
        (((#filePath as NSString).deletingLastPathComponent as NSString).deletingLastPathComponent
        as NSString).appendingPathComponent("Fixtures")
    static let golden = ProcessInfo.processInfo.environment["FSOT_GOLDEN"] ?? root + "/golden"
    static let realModel = ProcessInfo.processInfo.environment["FSOT_MODEL"]

    static func checkpoints(_ name: String) -> String { "\(root)/checkpoints/\(name)" }
}

extension Data {
    /// All parts, one after the other.
    static func joined(_ parts: Data...) -> Data { Data(parts.joined()) }

    /// The little-endian bytes of a number.
    static func bytes<Number: BitwiseCopyable>(_ number: Number) -> Data {
        Swift.withUnsafeBytes(of: number) { Data($0) }
    }
}

extension [Float] {
    /// Bit patterns, so that comparison tells −0 from 0 and one NaN from another.
    var bits: [UInt32] { map(\.bitPattern) }
}
