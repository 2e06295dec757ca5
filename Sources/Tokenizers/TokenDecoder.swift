/// How a list of tokens becomes text: the `decoder` of a tokenizer.json, step by step.
public struct TokenDecoder: Sendable, Equatable {
    /// One rewriting of the list of tokens.
    public enum Step: Sendable, Equatable {
        /// Characters of GPT-2's alphabet back to bytes, all tokens joined.
        case byteLevel
        /// `<0x0A>` and the like to bytes; U+FFFD for each byte of a run that is not UTF-8.
        case byteFallback
        /// All tokens joined.
        case fuse
        /// Text replaced in each token.
        case replace(String, with: String)
        /// Up to `start` and `stop` copies of a character taken off the two ends of each token.
        case strip(Unicode.Scalar, start: Int, stop: Int)
        /// The word marker to a space; in the first token to nothing when one was put there by encoding.
        case metaspace(Unicode.Scalar, dropsFirst: Bool)
    }

    /// The steps in order; without any, tokens are joined by spaces.
    public var steps: [Step]

    /// A decoder of these steps.
    public init(_ steps: [Step]) {
        self.steps = steps
    }

    func decode(_ tokens: [String]) -> String {
        if steps.isEmpty { return tokens.joined(separator: " ") }
        var pieces = tokens.map { Array($0.utf8) }
        for step in steps { pieces = step.apply(to: pieces) }
        return String(decoding: pieces.joined(), as: UTF8.self)
    }
}

extension TokenDecoder.Step {
    fileprivate func apply(to tokens: [[UInt8]]) -> [[UInt8]] {
        switch self {
        case .byteLevel:
            let bytes = tokens.flatMap { ByteAlphabet.bytes(of: String(decoding: $0, as: UTF8.self)) }
            return [Array(String(decoding: bytes, as: UTF8.self).utf8)]
        case .byteFallback: return Self.joiningByteTokens(tokens)
        case .fuse: return [Array(tokens.joined())]
        case .replace(let pattern, let replacement):
            let (pattern, replacement) = (Array(pattern.utf8), Array(replacement.utf8))
            return tokens.map { $0.replacingBytes(pattern, with: replacement) }
        case .strip(let scalar, let start, let stop):
            return tokens.map { Self.strip(Array(Character(scalar).utf8), start: start, stop: stop, from: $0) }
        case .metaspace(let marker, let dropsFirst):
            let pattern = Array(Character(marker).utf8)
            return tokens.enumerated().map { index, token in
                token.replacingBytes(pattern, with: index == 0 && dropsFirst ? [] : [UInt8(ascii: " ")])
            }
        }
    }

    private static func joiningByteTokens(_ tokens: [[UInt8]]) -> [[UInt8]] {
        var result: [[UInt8]] = []
        var run: [UInt8] = []
        func flush() {
            if String(validating: run, as: UTF8.self) != nil {
                result.append(run)
            } else {
                result.append(Array(repeatElement("\u{FFFD}", count: run.count).joined().utf8))
            }
            run.removeAll()
        }
        for token in tokens {
            if let byte = ByteFallback.byte(of: token) {
                run.append(byte)
            } else {
                if !run.isEmpty { flush() }
                result.append(token)
            }
        }
        if !run.isEmpty { flush() }
        return result
    }

    private static func strip(_ pattern: [UInt8], start: Int, stop: Int, from token: [UInt8]) -> [UInt8] {
        var rest = token[...]
        for _ in 0..<start where rest.starts(with: pattern) { rest = rest.dropFirst(pattern.count) }
        for _ in 0..<stop where rest.suffix(pattern.count).elementsEqual(pattern) {
            rest = rest.dropLast(pattern.count)
        }
        return Array(rest)
    }
}
