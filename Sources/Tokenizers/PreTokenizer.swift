/// How text is cut into the pieces that byte-pair encoding never merges across.
public struct PreTokenizer: Sendable, Equatable {
    /// One cut of every piece that the cuts before it made.
    public enum Split: Sendable, Equatable {
        /// Numbers (`\p{N}`) apart from the rest: scalar by scalar, or run by run.
        case digits(individually: Bool)
        /// Matches of a published pattern.
        case pattern(SplitPattern)
        /// Before each occurrence of the scalar (`Metaspace` with `split`).
        case before(Unicode.Scalar)
    }

    /// Rewriting that comes before the cuts.
    public var transforms: [TextTransform]
    /// The cuts, in order.
    public var splits: [Split]

    /// A pre-tokenizer that rewrites, then cuts.
    public init(transforms: [TextTransform] = [], splits: [Split]) {
        self.transforms = transforms
        self.splits = splits
    }

    /// The ends of the pieces of `text`, in order; the last is `text.bytes.count`.
    func ends(in text: UTF8Reader) -> [Int] {
        if text.bytes.isEmpty { return [] }
        var ends = [text.bytes.count]
        for split in splits {
            var finer: [Int] = []
            finer.reserveCapacity(max(ends.count, text.bytes.count / 4))
            var start = 0
            for end in ends {
                split.appendEnds(in: text, from: start, before: end, to: &finer)
                start = end
            }
            ends = finer
        }
        return ends
    }
}

extension PreTokenizer.Split {
    func appendEnds(in text: UTF8Reader, from start: Int, before end: Int, to ends: inout [Int]) {
        var position = start
        while position < end {
            switch self {
            case .digits(let individually):
                position = Self.endOfDigits(in: text, from: position, before: end, individually: individually)
            case .pattern(let pattern):
                position = pattern.endOfMatch(in: text, from: position, before: end)
            case .before(let scalar):
                repeat {
                    position += UTF8Reader.length(lead: text.bytes[position])
                } while position < end
                    && text.scalar(at: position).scalar != scalar
            }
            ends.append(position)
        }
    }

    private static func endOfDigits(in text: UTF8Reader, from start: Int, before end: Int, individually: Bool) -> Int {
        var (kind, length) = text.kind(at: start)
        let isNumber = kind == .number
        var position = start + length
        if isNumber && individually { return position }
        while position < end {
            (kind, length) = text.kind(at: position)
            if (kind == .number) != isNumber { break }
            position += length
        }
        return position
    }
}
