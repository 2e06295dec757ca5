import TensorEngine

/// How records are dealt to simulated data holders.
public enum SplitMethod: String, Codable, Sendable, CaseIterable {
    /// Shuffled, then cut into equal parts (the first ones get one more).
    case iid
    /// Label skew: each category is divided by its own Dirichlet draw (Hsu et al., arXiv 1909.06335).
    case lda
    /// One category a part.
    case meta
}

/// What `data split` is asked for.
public struct SplitRequest: Codable, Sendable, Equatable {
    /// The method.
    public var method: SplitMethod
    /// The number of parts; nil with ``SplitMethod/meta``: one for each category.
    public var parts: Int?
    /// Dirichlet concentration of ``SplitMethod/lda``: small is skewed, large is even.
    public var alpha: Double
    /// Everything random follows from it.
    public var seed: UInt64
    /// Shares within each part.
    public var ratios: SplitRatios

    /// Makes a request; FS-LLM's default alpha is 0.5.
    public init(
        method: SplitMethod,
        parts: Int?,
        alpha: Double = 0.5,
        seed: UInt64 = 0,
        ratios: SplitRatios = .standard
    ) {
        self.method = method
        self.parts = parts
        self.alpha = alpha
        self.seed = seed
        self.ratios = ratios
    }
}

/// One data holder's share, as indices into the records that were split, each in file order.
public struct SplitPart: Codable, Sendable, Equatable {
    /// What the part is called: `part-1`, or its categories under ``SplitMethod/meta``.
    public var name: String
    /// Records to train on.
    public var train: [Int]
    /// Records to validate on.
    public var validation: [Int]
    /// Records to test on.
    public var test: [Int]

    /// All of the part's records, in file order.
    public var all: [Int] { (train + validation + test).sorted() }
}

/// Divides records over data holders; each part has a train, validation and test set of its own distribution.
///
/// FS-LLM cuts train, validation and test first and then deals each set out on its own, so that a client's test set may
/// follow another distribution than its training set; here a part is dealt first and cut afterwards. A subject's records
/// stay together: in one part under every method but ``SplitMethod/meta``, where the category decides, and always on one
/// side of the train, validation, test cut.
public enum DataSplit {
    /// Deals `records` out; every record lands in exactly one set of one part. The same request gives the same split.
    ///
    /// - Throws: `TrainingError.cannotSplit` when there are fewer units (records or subjects) or categories than parts,
    ///   or a record lacks the category that the method needs; `.badSetting`.
    public static func split(_ records: [Record], by request: SplitRequest) throws -> [SplitPart] {
        if let parts = request.parts, parts < 1 {
            throw TrainingError.badSetting(name: "--parts", reason: "is \(parts); it must be at least 1")
        }
        let generator = SeededGenerator(seed: request.seed)
        var dealing = generator.derive("split-parts")
        let subjects = sides(of: records, ratios: request.ratios, generator: generator)
        let dealt: [(name: String, records: [Int])]
        switch request.method {
        case .iid:
            let groups = try iid(units(of: records), parts: try count(request), using: &dealing)
            dealt = named(groups)
        case .lda:
            let groups = try lda(
                records,
                parts: try count(request),
                alpha: request.alpha,
                using: &dealing
            )
            dealt = named(groups)
        case .meta:
            dealt = try meta(records, parts: request.parts)
        }
        return dealt.enumerated().map { index, part in
            var cutting = generator.derive("split-cut-\(index)")
            return cut(
                part.records,
                name: part.name,
                of: records,
                ratios: request.ratios,
                sides: subjects,
                using: &cutting
            )
        }
    }

    private static func count(_ request: SplitRequest) throws -> Int {
        guard let parts = request.parts else {
            throw TrainingError.badSetting(name: "--parts", reason: "is missing; say how many parts to make")
        }
        return parts
    }

    private static func named(_ groups: [[Int]]) -> [(name: String, records: [Int])] {
        groups.enumerated().map { ("part-\($0.offset + 1)", $0.element) }
    }

    /// What is never separated: the records of one subject, or a single record, in order of first appearance.
    static func units(of records: [Record]) -> [[Int]] {
        group(Array(records.indices)) { records[$0].subject }
    }

    private static func group(_ indices: [Int], by key: (Int) -> String?) -> [[Int]] {
        var place: [String: Int] = [:]
        var units: [[Int]] = []
        for index in indices {
            if let name = key(index) {
                if let known = place[name] {
                    units[known].append(index)
                    continue
                }
                place[name] = units.count
            }
            units.append([index])
        }
        return units
    }

    // MARK: - Dealing

    static func iid(_ units: [[Int]], parts: Int, using generator: inout SeededGenerator) throws -> [[Int]] {
        try requireUnits(units.count, for: parts)
        let shuffled = units.shuffled(using: &generator)
        if shuffled.allSatisfy({ $0.count == 1 }) {
            let (share, extra) = shuffled.count.quotientAndRemainder(dividingBy: parts)
            var start = 0
            return (0..<parts).map { part in
                let end = start + share + (part < extra ? 1 : 0)
                defer { start = end }
                return shuffled[start..<end].flatMap { $0 }
            }
        }
        // Subjects differ in size: the largest first, each to the smallest part so far, keeps parts even.
        var result = [[Int]](repeating: [], count: parts)
        for unit in shuffled.sorted(by: { $0.count > $1.count }) {
            let smallest = result.indices.min { result[$0].count < result[$1].count } ?? 0
            result[smallest] += unit
        }
        return result
    }

    /// Cuts shuffled units at the truncated cumulative proportions, as FederatedScope does.
    package static func ldaCut(_ shuffled: [[Int]], proportions: [Double]) -> [[Int]] {
        var cumulative = 0.0
        var start = 0
        return proportions.indices.map { part in
            cumulative += proportions[part]
            let isLast = part == proportions.count - 1
            let end =
                isLast ? shuffled.count : min(shuffled.count, max(start, Int(cumulative * Double(shuffled.count))))
            defer { start = end }
            return shuffled[start..<end].flatMap { $0 }
        }
    }

    static func lda(
        _ records: [Record],
        parts: Int,
        alpha: Double,
        using generator: inout SeededGenerator
    ) throws -> [[Int]] {
        guard alpha > 0, alpha.isFinite else {
            throw TrainingError.badSetting(name: "--alpha", reason: "is \(alpha); it must be a positive number")
        }
        let units = units(of: records)
        try requireUnits(units.count, for: parts)
        // A subject's unit goes by the category of its first record.
        var byCategory: [String: [[Int]]] = [:]
        for unit in units { byCategory[try category(of: unit[0], records), default: []].append(unit) }
        let categories = byCategory.sorted { $0.key < $1.key }
        let attempts = 1000
        for _ in 0..<attempts {
            var result = [[Int]](repeating: [], count: parts)
            for (_, members) in categories {
                let shares = DirichletSampler.proportions(alpha: alpha, parts: parts, using: &generator)
                for (part, piece) in ldaCut(members.shuffled(using: &generator), proportions: shares).enumerated() {
                    result[part] += piece
                }
            }
            if result.allSatisfy({ !$0.isEmpty }) { return result }
        }
        throw TrainingError.cannotSplit(
            reason: "\(attempts) draws with alpha \(alpha) left one of \(parts) parts empty; "
                + "raise --alpha or lower --parts"
        )
    }

    static func meta(_ records: [Record], parts: Int?) throws -> [(name: String, records: [Int])] {
        var byCategory: [String: [Int]] = [:]
        for index in records.indices { byCategory[try category(of: index, records), default: []].append(index) }
        var groups = byCategory.sorted { $0.key < $1.key }.map { (name: $0.key, records: $0.value) }
        guard let parts, parts != groups.count else { return groups }
        guard parts < groups.count else {
            throw TrainingError.cannotSplit(
                reason: "there are \(groups.count) categories for \(parts) parts; lower --parts or use --by lda"
            )
        }
        // FS-LLM computes the merge and then drops it; here the smallest two join until the number fits.
        while groups.count > parts {
            groups.sort { ($0.records.count, $0.name) < ($1.records.count, $1.name) }
            let merged = (name: groups[1].name + "+" + groups[0].name, records: groups[1].records + groups[0].records)
            groups.replaceSubrange(0..<2, with: [merged])
        }
        return groups.sorted { $0.name < $1.name }
    }

    private static func category(of index: Int, _ records: [Record]) throws -> String {
        guard let category = records[index].category else {
            throw TrainingError.cannotSplit(
                reason: "record \(index + 1) has no \"category\", which --by lda and meta need; add it or use --by iid"
            )
        }
        return category
    }

    private static func requireUnits(_ units: Int, for parts: Int) throws {
        if units < parts {
            throw TrainingError.cannotSplit(
                reason: "\(units) records (or subjects) do not fill \(parts) parts; lower --parts"
            )
        }
    }
}
