import Checkpoints
import Foundation

/// A text with what the reference implementation makes of it.
struct ReferenceCase {
    let text: String
    let ids: [Int32]
    let plain: [Int32]?
    let decoded: String?
    let decodedSkippingSpecial: String?

    init?(_ json: JSONValue) {
        guard let text = json["text"]?.string, let ids = Self.ids(json["ids"]) else { return nil }
        self.text = text
        self.ids = ids
        plain = Self.ids(json["plain"])
        decoded = json["decoded"]?.string
        decodedSkippingSpecial = json["decoded_skip_special"]?.string
    }

    static func ids(_ json: JSONValue?) -> [Int32]? { json?.array?.compactMap { $0.int.flatMap(Int32.init(exactly:)) } }

    static func read(_ path: String) throws -> [ReferenceCase] {
        try JSONValue.read(path).array?.compactMap(ReferenceCase.init) ?? []
    }
}

enum Locations {
    static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/tokenizers").path
    /// The model file for tests on the real tokenizer.
    static let model = ProcessInfo.processInfo.environment["FSOT_MODEL"]
    /// The golden set for tests on the real tokenizer.
    static let golden = ProcessInfo.processInfo.environment["FSOT_GOLDEN"]
    /// A folder of published tokenizers with llama.cpp's test vectors.
    static let tokenizers = ProcessInfo.processInfo.environment["FSOT_TOKENIZERS"]
}

extension String {
    /// Byte by byte: Swift's own `==` would forgive a wrong Unicode composition.
    func isExactly(_ other: String?) -> Bool { other.map { utf8.elementsEqual($0.utf8) } ?? false }
}
