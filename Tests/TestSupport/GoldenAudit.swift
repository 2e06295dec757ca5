import Foundation

/// The golden files of the audit's numbers, made with numpy, scipy, dp-accounting and Opacus.
public enum GoldenAudit {
    /// Decodes a file of `Tests/Fixtures/golden`, or of the folder that `FSOT_GOLDEN_AUDIT` names.
    public static func decode<Value: Decodable>(_ name: String) throws -> Value {
        let root = ProcessInfo.processInfo.environment["FSOT_GOLDEN_AUDIT"] ?? Golden.committedRoot
        let text = try String(contentsOfFile: root + "/" + name, encoding: .utf8)
        // Python writes infinities of columns that no test reads; JSON has none.
        let json = text.replacingOccurrences(of: "Infinity", with: "null")
        return try JSONDecoder().decode(Value.self, from: Data(json.utf8))
    }
}
