/// What `data check` found in the files of one or more data holders. Holds counts and masked shapes, never record text.
public struct DataCheck: Codable, Sendable, Equatable {
    /// Token counts under one model's tokenizer and one template.
    public struct Tokens: Codable, Sendable, Equatable {
        /// Tokens of one epoch, after truncation.
        public var used: Int
        /// Of these, tokens with loss.
        public var labelled: Int
        /// The longest record, before truncation.
        public var longest: Int
        /// The mean length before truncation.
        public var mean: Double
        /// Records cut off at the maximum length.
        public var truncated: Int
        /// Records whose whole answer is cut off: they would not be trained on.
        public var withoutLabels: Int
        /// The maximum length these figures are for.
        public var maximumLength: Int
    }

    /// One kind of likely identifier.
    public struct Identifiers: Codable, Sendable, Equatable {
        /// Hits.
        public var count: Int
        /// Records with at least one hit.
        public var records: Int
        /// Up to three shapes, letters and digits blanked out.
        public var examples: [String]
    }

    /// One file.
    public struct Holder: Codable, Sendable, Equatable {
        /// The file.
        public var path: String
        /// Its records.
        public var records: Int
        /// Distinct subjects; 0 when no record names one.
        public var subjects: Int
        /// Records of each category.
        public var categories: [String: Int]
        /// Lines whose record has an empty or missing answer.
        public var emptyAnswers: [Int]
        /// Repeated records.
        public var duplicates: DuplicateCounts
        /// Likely identifiers by kind; kinds without a hit are left out.
        public var identifiers: [IdentifierKind: Identifiers]
        /// Token counts; nil without a tokenizer.
        public var tokens: Tokens?
        /// Time and memory; nil without a model and its speed.
        public var estimate: ResourceEstimate?
    }

    /// The files in the order given.
    public var holders: [Holder]

    /// Speed and size of the model to estimate for.
    public struct Speed: Sendable {
        /// Measured or assumed training speed.
        public var tokensPerSecond: Double
        /// Sequences on the tape at once.
        public var batchSize: Int
        /// The model.
        public var model: ModelFootprint

        /// Makes a speed.
        public init(tokensPerSecond: Double, batchSize: Int, model: ModelFootprint) {
            self.tokensPerSecond = tokensPerSecond
            self.batchSize = batchSize
            self.model = model
        }
    }

    /// Checks files that were opened with `emptyAnswers: .accepted`.
    ///
    /// - Parameters:
    ///   - files: one a data holder.
    ///   - encoder: tokenizer and template; nil leaves the token counts out.
    ///   - speed: nil leaves the estimate out.
    /// - Throws: errors of the encoder.
    public static func run(_ files: [RecordFile], encoder: RecordEncoder?, speed: Speed? = nil) throws -> DataCheck {
        let duplicates = DuplicateScan.counts(files.map { $0.records.map(\.fullText) })
        let scan = try IdentifierScan()
        return DataCheck(
            holders: try files.indices.map { number in
                let file = files[number]
                let tokens = try encoder.map { try count(file, with: $0) }
                let longest = min(tokens?.longest ?? 0, tokens?.maximumLength ?? 0)
                var categories: [String: Int] = [:]
                for record in file.records {
                    if let category = record.category { categories[category, default: 0] += 1 }
                }
                return Holder(
                    path: file.path,
                    records: file.records.count,
                    subjects: Set(file.records.compactMap(\.subject)).count,
                    categories: categories,
                    emptyAnswers: file.records.indices.filter { file.records[$0].hasEmptyAnswer }.map {
                        file.lines[$0]
                    },
                    duplicates: duplicates[number],
                    identifiers: identifiers(in: file.records, using: scan),
                    tokens: tokens,
                    estimate: tokens.flatMap { tokens in
                        speed.map {
                            ResourceEstimate(
                                tokens: tokens.used,
                                tokensPerSecond: $0.tokensPerSecond,
                                batchTokens: longest * $0.batchSize,
                                model: $0.model
                            )
                        }
                    }
                )
            }
        )
    }

    private static func count(_ file: RecordFile, with encoder: RecordEncoder) throws -> Tokens {
        var tokens = Tokens(
            used: 0,
            labelled: 0,
            longest: 0,
            mean: 0,
            truncated: 0,
            withoutLabels: 0,
            maximumLength: encoder.maximumLength
        )
        var total = 0
        var counted = 0
        for (index, record) in file.records.enumerated() where !record.hasEmptyAnswer {
            let length = encoder.length(of: record)
            let example = try encoder.encode(record, index: index)
            counted += 1
            total += length
            tokens.longest = max(tokens.longest, length)
            if example.isTruncated { tokens.truncated += 1 }
            if example.labelledTokenCount == 0 {
                tokens.withoutLabels += 1
            } else {
                tokens.used += example.ids.count
                tokens.labelled += example.labelledTokenCount
            }
        }
        tokens.mean = counted == 0 ? 0 : Double(total) / Double(counted)
        return tokens
    }

    private static func identifiers(
        in records: [Record],
        using scan: IdentifierScan
    ) -> [IdentifierKind: Identifiers] {
        var found: [IdentifierKind: Identifiers] = [:]
        for record in records {
            var kinds: Set<IdentifierKind> = []
            for hit in scan.hits(in: record.fullText) {
                var entry = found[hit.kind] ?? Identifiers(count: 0, records: 0, examples: [])
                entry.count += 1
                if kinds.insert(hit.kind).inserted { entry.records += 1 }
                if entry.examples.count < 3 && !entry.examples.contains(hit.masked) {
                    entry.examples.append(hit.masked)
                }
                found[hit.kind] = entry
            }
        }
        return found
    }
}
