extension AttackSuite {
    /// The variants of a record that NEIGHBOUR compares it with.
    public struct Neighbours: Codable, Sendable, Equatable {
        /// Variants of a record; each is a forward pass.
        public var count: Int = 25
        /// Share of the scored tokens that a variant replaces, at least one.
        public var share: Double = 0.3
        /// The likeliest other tokens that a substitute is drawn from.
        public var candidates: Int = 10

        /// The defaults.
        public init() {}

        enum CodingKeys: String, CodingKey, CaseIterable {
            case count
            case share
            case candidates
        }
    }

    /// The continuations that SAMIA compares with the real one.
    public struct Continuations: Codable, Sendable, Equatable {
        /// Continuations of a record; each is drawn token by token.
        public var samples: Int = 10
        /// The N of ROUGE-N.
        public var ngram: Int = 1
        /// The likeliest tokens that each is drawn from.
        public var topK: Int = 50
        /// Divides the logits.
        public var temperature: Double = 1
        /// Whether each overlap is multiplied by the bytes of the compressed continuation, so that repetition earns nothing.
        public var weightsByZlib: Bool = false

        /// The defaults.
        public init() {}

        enum CodingKeys: String, CodingKey, CaseIterable {
            case samples
            case ngram
            case topK = "top_k"
            case temperature
            case weightsByZlib = "zlib"
        }
    }

    /// What is wrong with the settings of attacks that draw, nil when nothing is.
    var samplingFault: (key: CodingKeys, reason: String)? {
        let variants = neighbour ?? Neighbours()
        let drawn = samia ?? Continuations()
        let faults: [(Bool, CodingKeys, String)] = [
            ((1...1000).contains(variants.count), .neighbour, "count must be 1 to 1000"),
            (variants.share > 0 && variants.share <= 1, .neighbour, "share must lie in (0, 1]"),
            ((1...1000).contains(variants.candidates), .neighbour, "candidates must be 1 to 1000"),
            ((1...1000).contains(drawn.samples), .samia, "samples must be 1 to 1000"),
            ((1...8).contains(drawn.ngram), .samia, "ngram must be 1 to 8"),
            ((1...1_000_000).contains(drawn.topK), .samia, "top_k must be 1 to 1000000"),
            (drawn.temperature > 0 && drawn.temperature.isFinite, .samia, "temperature must be positive"),
        ]
        return faults.first { !$0.0 }.map { ($0.1, $0.2) }
    }
}
