/// What all releases of one base model together give away.
///
/// A recipient who holds two releases, or two who put theirs together, hold the union: releases with nested layers add
/// nothing to the largest, others do.
public struct LedgerExposure: Codable, Sendable, Equatable {
    /// What somebody holds who has some of the releases.
    public struct Holding: Codable, Sendable, Equatable {
        /// The recipients, by name.
        public var recipients: [String]
        /// Releases that they hold, counted once.
        public var releases: Int
        /// The middle's layers behind these releases, as indices of the full model.
        public var sourceLayers: [Int]
        /// Numbers of the full model that these releases hold bit for bit.
        public var verbatimParameters: Int
        /// Their share of the full model; nil: its size is not known.
        public var verbatimShare: Double?
    }

    /// SHA-256 of the base model's files.
    public var baseModel: [String]
    /// Its path at the last release.
    public var model: String
    /// Blocks of the full model.
    public var fullLayers: Int
    /// Blocks between the smallest bottom and the smallest top that were released.
    public var middleLayers: Int
    /// Everything that was released.
    public var all: Holding
    /// Releases whose source layers the ledger does not know: the figures leave them out.
    public var unknownReleases: Int
    /// Each recipient alone, most first.
    public var recipients: [Holding]
    /// Each pair of recipients, if they collude, most first.
    public var pairs: [Holding]

    /// The exposure of each base model, in the order of its first release.
    public static func of(_ entries: [LedgerEntry]) -> [LedgerExposure] {
        var order: [[String]] = []
        for entry in entries where !order.contains(entry.baseModel) { order.append(entry.baseModel) }
        return order.compactMap { model in of(entries.filter { $0.baseModel == model }, baseModel: model) }
    }

    /// The exposure of one base model with one more release, which need not be in the ledger yet.
    public static func of(_ entries: [LedgerEntry], adding release: LedgerEntry) -> LedgerExposure? {
        let others = entries.filter { $0.baseModel == release.baseModel }
        return of(others + [release], baseModel: release.baseModel)
    }

    /// The exposure of the base model of one release in the ledger.
    public static func of(_ entries: [LedgerEntry], like release: LedgerEntry) -> LedgerExposure? {
        of(entries.filter { $0.baseModel == release.baseModel }, baseModel: release.baseModel)
    }

    private static func of(_ entries: [LedgerEntry], baseModel: [String]) -> LedgerExposure? {
        guard let last = entries.last else { return nil }
        let parameters = entries.compactMap(\.fullParameters).last
        var people: [LedgerEntry.Recipient] = []
        for recipient in entries.flatMap(\.recipients) where !people.contains(recipient) { people.append(recipient) }
        func holding(_ recipients: [LedgerEntry.Recipient]) -> Holding {
            Holding(
                of: entries.filter { entry in entry.recipients.contains { recipients.contains($0) } },
                recipients: recipients.map(\.name),
                fullParameters: parameters
            )
        }
        var pairs: [Holding] = []
        for (index, first) in people.enumerated() {
            for second in people[(index + 1)...] { pairs.append(holding([first, second])) }
        }
        func most(_ left: Holding, _ right: Holding) -> Bool {
            (left.verbatimParameters, left.sourceLayers.count) > (right.verbatimParameters, right.sourceLayers.count)
        }
        let ends = (entries.map(\.bottom).min() ?? 0) + (entries.map(\.top).min() ?? 0)
        return LedgerExposure(
            baseModel: baseModel,
            model: last.model,
            fullLayers: last.fullLayers,
            middleLayers: max(0, last.fullLayers - ends),
            all: Holding(of: entries, recipients: people.map(\.name), fullParameters: parameters),
            unknownReleases: Set(entries.filter { $0.sourceLayers == nil }.map(\.releaseID)).count,
            recipients: people.map { holding([$0]) }.sorted(by: most),
            pairs: pairs.sorted(by: most)
        )
    }
}

extension LedgerExposure.Holding {
    /// The union of releases.
    init(of entries: [LedgerEntry], recipients: [String], fullParameters: Int?) {
        var parts: [String: VerbatimPart] = [:]
        for part in entries.flatMap(\.verbatim) {
            parts[part.tensor] = parts[part.tensor].map { $0.union(part) } ?? part
        }
        self.recipients = recipients
        releases = Set(entries.map(\.releaseID)).count
        sourceLayers = Set(entries.flatMap { $0.sourceLayers ?? [] }).sorted()
        verbatimParameters = parts.values.reduce(0) { $0 + $1.count }
        verbatimShare = fullParameters.map { Double(verbatimParameters) / Double(max(1, $0)) }
    }
}
