/// One run of the pipeline over one text: added tokens, normalizer, added tokens in normalized text, pre-tokenizer, merges.
struct EncodingPass {
    /// Where special tokens may be parsed.
    enum SpecialTokens {
        case everywhere
        case nowhere
        /// Only where a token lies within one of these byte ranges of the text.
        case within([Range<Int>])

        func allow(_ range: Range<Int>) -> Bool {
            switch self {
            case .everywhere: true
            case .nowhere: false
            case .within(let ranges):
                ranges.contains { $0.lowerBound <= range.lowerBound && range.upperBound <= $0.upperBound }
            }
        }
    }

    /// A text with the ends of the parts whose tokens are told apart.
    private struct PartedText {
        var bytes: [UInt8]
        var partEnds: [Int]

        /// A stretch of the text; parts outside it become empty.
        func slice(_ range: Range<Int>) -> PartedText {
            PartedText(
                bytes: Array(bytes[range]),
                partEnds: partEnds.map { min(max($0, range.lowerBound), range.upperBound) - range.lowerBound }
            )
        }

        /// The text rewritten as a whole. A part's end moves to where the rewritten text up to it ends, which is exact
        /// for every transform of ours unless a part starts with a combining mark.
        func applying(_ transforms: [TextTransform], isAtStart: Bool) -> PartedText {
            if transforms.isEmpty { return self }
            let rewritten = transforms.apply(to: bytes, isAtStart: isAtStart)
            let ends = partEnds.map { end in
                if end == 0 { return 0 }
                if end == bytes.count { return rewritten.count }
                return min(rewritten.count, transforms.apply(to: Array(bytes[..<end]), isAtStart: isAtStart).count)
            }
            return PartedText(bytes: rewritten, partEnds: ends)
        }

        func part(ofByteAt position: Int) -> Int {
            partEnds.firstIndex { position < $0 } ?? max(0, partEnds.count - 1)
        }
    }

    private let tokenizer: Tokenizer
    private let specialTokens: SpecialTokens
    private let tracksParts: Bool
    private var merger = BytePairMerger()
    private var symbols: [Int32] = []
    private var cache: PieceCache

    /// The ids so far.
    private(set) var ids: [Int32] = []
    /// For each id the part that its last byte came from; empty unless parts are tracked.
    private(set) var parts: [Int] = []

    /// Encodes `bytes`.
    ///
    /// - Parameters:
    ///   - bytes: valid UTF-8.
    ///   - partEnds: ends of the parts to track, the last at `bytes.count`; empty tracks none.
    init(_ bytes: [UInt8], partEnds: [Int] = [], specialTokens: SpecialTokens, tokenizer: Tokenizer) {
        self.tokenizer = tokenizer
        self.specialTokens = specialTokens
        tracksParts = !partEnds.isEmpty
        cache = tokenizer.caches.borrow()
        run(PartedText(bytes: bytes, partEnds: partEnds))
        tokenizer.caches.giveBack(cache)
    }

    private mutating func run(_ text: PartedText) {
        let matches = tokenizer.rawMatcher.matches(in: UTF8Reader(text.bytes), allowsSpecial: specialTokens.allow)
        split(text, at: matches) { pass, range in
            pass.runNormalized(range.count == text.bytes.count ? text : text.slice(range), rawRange: range)
        }
    }

    private mutating func runNormalized(_ raw: PartedText, rawRange: Range<Int>) {
        let isAtStart = rawRange.lowerBound == 0
        let text = raw.applying(tokenizer.definition.normalizer, isAtStart: isAtStart)
        // Offsets of normalized text say nothing about the raw ranges; the stretch as a whole decides.
        let allowsSpecial = specialTokens.allow(rawRange)
        let matches = tokenizer.normalizedMatcher.matches(in: UTF8Reader(text.bytes)) { _ in allowsSpecial }
        split(text, at: matches) { pass, range in
            let stretch = range.count == text.bytes.count ? text : text.slice(range)
            pass.merge(
                stretch.applying(
                    pass.tokenizer.definition.preTokenizer.transforms,
                    isAtStart: isAtStart && range.lowerBound == 0
                )
            )
        }
    }

    private mutating func split(
        _ text: PartedText,
        at matches: [AddedTokenMatcher.Match],
        handleText: (inout EncodingPass, Range<Int>) -> Void
    ) {
        var position = 0
        for match in matches {
            if position < match.range.lowerBound { handleText(&self, position..<match.range.lowerBound) }
            append(match.id, part: tracksParts ? text.part(ofByteAt: match.range.upperBound - 1) : 0)
            position = match.range.upperBound
        }
        if position < text.bytes.count { handleText(&self, position..<text.bytes.count) }
    }

    private mutating func append(_ id: Int32, part: Int) {
        ids.append(id)
        if tracksParts { parts.append(part) }
    }

    private mutating func merge(_ text: PartedText) {
        let bytes = text.bytes
        var start = 0
        for end in tokenizer.definition.preTokenizer.ends(in: UTF8Reader(bytes)) {
            let piece = bytes[start..<end]
            let isCacheable = piece.count <= PieceCache.longestPiece
            if isCacheable, let known = cache[piece] {
                ids.append(contentsOf: known)
            } else {
                tokenizer.encoder.encode(piece, with: &merger, symbols: &symbols)
                if isCacheable { cache.insert(symbols, for: piece) }
                ids.append(contentsOf: symbols)
            }
            start = end
            if tracksParts {
                let part = text.part(ofByteAt: end - 1)
                while parts.count < ids.count { parts.append(part) }
            }
        }
    }
}
