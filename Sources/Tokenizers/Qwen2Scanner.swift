/// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,n}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
/// without a regular expression engine; n is 1 for Qwen2 and 3 for Llama-3.
enum Qwen2Scanner {
    @inline(__always)
    static func endOfMatch(in text: UTF8Reader, from start: Int, before end: Int, longestNumber: Int) -> Int {
        let bytes = text.bytes
        let first = bytes[start]
        if first == UInt8(ascii: "'"), let length = contraction(in: bytes, from: start, before: end) {
            return start + length
        }
        let (kind, length) = text.kind(at: start)
        if kind == .letter { return text.endOfRun(of: .letter, from: start + length, before: end) }
        if kind == .number {
            return endOfNumber(in: text, from: start + length, before: end, remaining: longestNumber - 1)
        }
        let next = start + length
        let following = next < end ? text.kind(at: next) : (kind: .whitespace, length: 0)
        if following.kind == .letter, !isNewline(first) {
            return text.endOfRun(of: .letter, from: next + following.length, before: end)
        }
        if kind == .other || (first == UInt8(ascii: " ") && following.kind == .other) {
            var position = text.endOfRun(of: .other, from: next, before: end)
            while position < end, isNewline(bytes[position]) { position += 1 }
            return position
        }
        let runEnd = text.endOfRun(of: .whitespace, from: start, before: end)
        if let newline = bytes[start..<runEnd].lastIndex(where: isNewline) { return newline + 1 }
        return text.endOfWhitespaceMatch(from: start, before: end)
    }

    private static func isNewline(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
    }

    private static func endOfNumber(in text: UTF8Reader, from start: Int, before end: Int, remaining: Int) -> Int {
        var position = start
        var remaining = remaining
        while remaining > 0, position < end {
            let (kind, length) = text.kind(at: position)
            if kind != .number { break }
            position += length
            remaining -= 1
        }
        return position
    }

    private static func contraction(in bytes: [UInt8], from start: Int, before end: Int) -> Int? {
        guard start + 1 < end else { return nil }
        let first = bytes[start + 1] | 0x20
        switch first {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
            // Setting the case bit maps only the two cases of a letter onto that letter.
            return 2
        default: break
        }
        guard start + 2 < end else { return nil }
        // U+017F, the long s, is an `s` to a case-insensitive match.
        if bytes[start + 1] == 0xC5, bytes[start + 2] == 0xBF { return 3 }
        switch (first, bytes[start + 2] | 0x20) {
        case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
            (UInt8(ascii: "l"), UInt8(ascii: "l")):
            return 3
        default: return nil
        }
    }
}
