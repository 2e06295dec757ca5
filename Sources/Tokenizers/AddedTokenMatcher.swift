/// Finds added tokens in text, leftmost first, the longest at each place.
struct AddedTokenMatcher: Sendable {
    struct Match {
        let id: Int32
        let range: Range<Int>
    }

    private struct Node: Sendable {
        var children: [UInt8: Int] = [:]
        var token: Int?
    }

    private var tokens: [AddedToken] = []
    private var nodes = [Node()]

    /// - Parameter patterns: tokens with the text to look for (normalized text for normalized tokens).
    init(_ patterns: [(token: AddedToken, text: [UInt8])]) {
        for (token, text) in patterns where !text.isEmpty {
            var node = 0
            for byte in text {
                if let child = nodes[node].children[byte] {
                    node = child
                } else {
                    nodes.append(Node())
                    nodes[node].children[byte] = nodes.count - 1
                    node = nodes.count - 1
                }
            }
            nodes[node].token = tokens.count
            tokens.append(token)
        }
    }

    /// The tokens found in valid UTF-8, in order and without overlap.
    ///
    /// - Parameter allowsSpecial: whether a special token may stand at this place. One that may not is passed over as
    ///   ordinary text, together with any shorter token inside it.
    func matches(in text: UTF8Reader, allowsSpecial: (Range<Int>) -> Bool) -> [Match] {
        if tokens.isEmpty { return [] }
        let bytes = text.bytes
        var isFirst = [Bool](repeating: false, count: 256)
        for byte in nodes[0].children.keys { isFirst[Int(byte)] = true }
        var matches: [Match] = []
        var position = 0
        var free = 0
        while position < bytes.count {
            guard isFirst[Int(bytes[position])], let (token, end) = longestToken(in: bytes, at: position) else {
                position += 1
                continue
            }
            var range = position..<end
            position = end
            if token.isSpecial && !allowsSpecial(range) { continue }
            if token.isSingleWord && Self.touchesWord(range, in: text) { continue }
            if token.stripsLeft {
                range = max(free, Self.startOfWhitespace(endingAt: range.lowerBound, in: text))..<range.upperBound
            }
            if token.stripsRight {
                let end = text.endOfRun(of: .whitespace, from: range.upperBound, before: bytes.count)
                range = range.lowerBound..<end
            }
            // The whitespace that an earlier token swallowed may hide a token that begins in it.
            if range.lowerBound < free { continue }
            matches.append(Match(id: token.id, range: range))
            free = range.upperBound
        }
        return matches
    }

    private func longestToken(in bytes: [UInt8], at start: Int) -> (AddedToken, end: Int)? {
        var node = 0
        var best: (AddedToken, end: Int)?
        var position = start
        while position < bytes.count, let child = nodes[node].children[bytes[position]] {
            node = child
            position += 1
            if let token = nodes[node].token { best = (tokens[token], position) }
        }
        return best
    }

    private static func startOfScalar(endingAt end: Int, in bytes: [UInt8]) -> Int {
        var start = end - 1
        while bytes[start] & 0xC0 == 0x80 { start -= 1 }
        return start
    }

    private static func startOfWhitespace(endingAt end: Int, in text: UTF8Reader) -> Int {
        var position = end
        while position > 0 {
            let start = startOfScalar(endingAt: position, in: text.bytes)
            if text.kind(at: start).kind != .whitespace { break }
            position = start
        }
        return position
    }

    private static func touchesWord(_ range: Range<Int>, in text: UTF8Reader) -> Bool {
        if range.lowerBound > 0 {
            let before = startOfScalar(endingAt: range.lowerBound, in: text.bytes)
            if isWordCharacter(text.scalar(at: before).scalar) { return true }
        }
        return range.upperBound < text.bytes.count && isWordCharacter(text.scalar(at: range.upperBound).scalar)
    }

    /// `\w` of Unicode regular expressions (UTS 18, annex C).
    private static func isWordCharacter(_ scalar: Unicode.Scalar) -> Bool {
        let properties = scalar.properties
        switch properties.generalCategory {
        case .decimalNumber, .connectorPunctuation, .nonspacingMark, .spacingMark, .enclosingMark: return true
        default: return properties.isAlphabetic || properties.isJoinControl
        }
    }
}
