import Cryptography

/// Base64 (RFC 4648) on bytes, strict: exactly one text per value, so that no byte of a text can change unseen.
public enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The text of `bytes`; age leaves out the padding.
    public static func encode(_ bytes: [UInt8], padded: Bool) -> [UInt8] {
        var text = [UInt8]()
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let group = bytes[index..<min(index + 3, bytes.count)]
            var word: UInt32 = 0
            for (position, byte) in group.enumerated() { word |= UInt32(byte) << (16 - 8 * position) }
            for position in 0...group.count { text.append(alphabet[Int(word >> (18 - 6 * position) & 63)]) }
            if padded { for _ in group.count..<3 { text.append(UInt8(ascii: "=")) } }
            index += 3
        }
        return text
    }

    /// The bytes of `text`; nil for other characters, wrong padding, and bits that are set beyond the last byte.
    public static func decode(_ text: some Collection<UInt8>, padded: Bool) -> [UInt8]? {
        var body = Array(text)
        defer { body.wipe() }
        if padded {
            guard body.count % 4 == 0 else { return nil }
            for _ in 0..<2 where body.last == UInt8(ascii: "=") { body.removeLast() }
        }
        guard body.count % 4 != 1 else { return nil }
        if padded && body.isEmpty && !text.isEmpty { return nil }
        var bytes = [UInt8]()
        bytes.reserveCapacity(body.count / 4 * 3 + 3)
        var word: UInt32 = 0
        var bits = 0
        for character in body {
            guard let value = value(of: character) else { return nil }
            word = word << 6 | value
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: word >> bits))
            }
            word &= (1 << bits) - 1
        }
        guard word == 0 else { return nil }
        return bytes
    }

    private static func value(of character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): return UInt32(character - 65)
        case UInt8(ascii: "a")...UInt8(ascii: "z"): return UInt32(character - 71)
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return UInt32(character + 4)
        case UInt8(ascii: "+"): return 62
        case UInt8(ascii: "/"): return 63
        default: return nil
        }
    }
}
