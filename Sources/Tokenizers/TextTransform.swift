import Foundation

/// One step that rewrites text before it is split: a normalizer, or the rewriting half of a pre-tokenizer.
public enum TextTransform: Sendable, Equatable {
    /// Unicode canonical composition.
    case canonicalComposition
    /// Puts the text in front of anything that is not empty (`Prepend`).
    case prepend(String)
    /// Puts the text in front unless it is there already (`ByteLevel` with `add_prefix_space`, `Metaspace`).
    case prependIfMissing(String, onlyAtStart: Bool)
    /// Replaces every occurrence of a non-empty text.
    case replace(String, with: String)

    /// - Parameters:
    ///   - bytes: valid UTF-8.
    ///   - isAtStart: whether this is the start of the whole text, no added token before it.
    func apply(to bytes: [UInt8], isAtStart: Bool) -> [UInt8] {
        if bytes.isEmpty { return bytes }
        switch self {
        case .canonicalComposition:
            // Every text of scalars below U+0300 (first byte 0xCC) is composed already.
            if bytes.allSatisfy({ $0 < 0xCC }) { return bytes }
            return Self.composed(String(decoding: bytes, as: UTF8.self))
        case .prepend(let prefix):
            return Array(prefix.utf8) + bytes
        case .prependIfMissing(let prefix, let onlyAtStart):
            if onlyAtStart && !isAtStart || bytes.starts(with: prefix.utf8) { return bytes }
            return Array(prefix.utf8) + bytes
        case .replace(let pattern, let replacement):
            return bytes.replacingBytes(Array(pattern.utf8), with: Array(replacement.utf8))
        }
    }

    /// NFC as Hugging Face's normalizer does it, which knows the characters of Unicode 9: later ones neither reorder nor
    /// compose, whatever Unicode the Swift runtime knows.
    private static func composed(_ text: String) -> [UInt8] {
        var result: [UInt8] = []
        var known = String.UnicodeScalarView()
        func flush() {
            result.append(contentsOf: String(known).precomposedStringWithCanonicalMapping.utf8)
            known.removeAll()
        }
        for scalar in text.unicodeScalars {
            if scalar.value >= 0x300, (scalar.properties.age?.major ?? 0) > 9 {
                flush()
                result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
                continue
            }
            // Foundation takes these three for starters and does not order the marks that they stand for.
            switch scalar {
            case "\u{F73}": known.append(contentsOf: ["\u{F71}", "\u{F72}"])
            case "\u{F75}": known.append(contentsOf: ["\u{F71}", "\u{F74}"])
            case "\u{F81}": known.append(contentsOf: ["\u{F71}", "\u{F80}"])
            default: known.append(scalar)
            }
        }
        flush()
        return result
    }
}

extension [TextTransform] {
    func apply(to bytes: [UInt8], isAtStart: Bool) -> [UInt8] {
        reduce(bytes) { $1.apply(to: $0, isAtStart: isAtStart) }
    }
}
