/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+` without a regular expression engine.
enum GPT2Scanner {
    @inline(__always)
    static func endOfMatch(in text: UTF8Reader, from start: Int, before end: Int) -> Int {
        let first = text.bytes[start]
        if first == UInt8(ascii: "'"), let length = contraction(in: text.bytes, from: start, before: end) {
            return start + length
        }
        var (kind, length) = text.kind(at: start)
        if first == UInt8(ascii: " "), start + 1 < end {
            let following = text.kind(at: start + 1)
            if following.kind != .whitespace {
                kind = following.kind
                length = 1 + following.length
            }
        }
        if kind == .whitespace { return text.endOfWhitespaceMatch(from: start, before: end) }
        return text.endOfRun(of: kind, from: start + length, before: end)
    }

    private static func contraction(in bytes: [UInt8], from start: Int, before end: Int) -> Int? {
        guard start + 1 < end else { return nil }
        let first = bytes[start + 1]
        switch first {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return 2
        default: break
        }
        guard start + 2 < end else { return nil }
        switch (first, bytes[start + 2]) {
        case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
            (UInt8(ascii: "l"), UInt8(ascii: "l")):
            return 3
        default: return nil
        }
    }
}
