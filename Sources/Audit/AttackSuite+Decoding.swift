/// A suite file may leave any key out, but a key that means nothing is a mistake worth stopping for.
private struct AnyKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

private func refuseUnknownKeys<Key: CodingKey & CaseIterable>(_ decoder: any Decoder, known: Key.Type) throws {
    let names = known.allCases.map(\.stringValue)
    for key in try decoder.container(keyedBy: AnyKey.self).allKeys where !names.contains(key.stringValue) {
        let path = (decoder.codingPath.map(\.stringValue) + [key.stringValue]).joined(separator: ".")
        let nearest = EditDistance.nearest(to: key.stringValue, among: names).map { ", did you mean \($0)?" } ?? ""
        throw AuditError.invalidSuite(
            key: path,
            reason: "is not a setting\(nearest) (known: \(names.joined(separator: ", ")))"
        )
    }
}

extension KeyedDecodingContainer {
    fileprivate func update<Value: Decodable>(_ value: inout Value, _ key: Key) throws {
        if let found = try decodeIfPresent(Value.self, forKey: key) { value = found }
    }
}

extension AttackSuite {
    /// Reads a suite, defaults for what is left out, and validates it.
    ///
    /// - Throws: `AuditError.invalidSuite` or `.unknownAttack`, or `DecodingError` for a value of the wrong type.
    public init(from decoder: any Decoder) throws {
        try refuseUnknownKeys(decoder, known: CodingKeys.self)
        let values = try decoder.container(keyedBy: CodingKeys.self)
        try values.update(&name, .name)
        try values.update(&attacks, .attacks)
        try values.update(&observedRounds, .observedRounds)
        try values.update(&minKFraction, .minKFraction)
        try values.update(&ezSmoothing, .ezSmoothing)
        try values.update(&liraPriorDegrees, .liraPriorDegrees)
        try values.update(&rmiaGamma, .rmiaGamma)
        try values.update(&rmiaOfflineA, .rmiaOfflineA)
        try values.update(&active, .active)
        try values.update(&neighbour, .neighbour)
        try values.update(&samia, .samia)
        try values.update(&falsePositiveRates, .falsePositiveRates)
        try values.update(&bootstrapReplicates, .bootstrapReplicates)
        try values.update(&permutations, .permutations)
        try values.update(&seed, .seed)
        try values.update(&blind, .blind)
        try values.update(&policy, .policy)
        try validate()
    }
}

extension AttackSuite.Active {
    /// Reads the settings, defaults for what is left out.
    public init(from decoder: any Decoder) throws {
        try refuseUnknownKeys(decoder, known: CodingKeys.self)
        let values = try decoder.container(keyedBy: CodingKeys.self)
        try values.update(&targets, .targets)
        try values.update(&rounds, .rounds)
        try values.update(&ascent, .ascent)
    }
}

extension AttackSuite.Blind {
    /// Reads the settings, defaults for what is left out.
    public init(from decoder: any Decoder) throws {
        try refuseUnknownKeys(decoder, known: CodingKeys.self)
        let values = try decoder.container(keyedBy: CodingKeys.self)
        try values.update(&buckets, .buckets)
        try values.update(&ridge, .ridge)
        try values.update(&folds, .folds)
    }
}

extension AttackSuite.Neighbours {
    /// Reads the settings, defaults for what is left out.
    public init(from decoder: any Decoder) throws {
        try refuseUnknownKeys(decoder, known: CodingKeys.self)
        let values = try decoder.container(keyedBy: CodingKeys.self)
        try values.update(&count, .count)
        try values.update(&share, .share)
        try values.update(&candidates, .candidates)
    }
}

extension AttackSuite.Continuations {
    /// Reads the settings, defaults for what is left out.
    public init(from decoder: any Decoder) throws {
        try refuseUnknownKeys(decoder, known: CodingKeys.self)
        let values = try decoder.container(keyedBy: CodingKeys.self)
        try values.update(&samples, .samples)
        try values.update(&ngram, .ngram)
        try values.update(&topK, .topK)
        try values.update(&temperature, .temperature)
        try values.update(&weightsByZlib, .weightsByZlib)
    }
}

extension AttackSuite.Policy {
    /// Reads the limits, defaults for what is left out.
    public init(from decoder: any Decoder) throws {
        try refuseUnknownKeys(decoder, known: CodingKeys.self)
        let values = try decoder.container(keyedBy: CodingKeys.self)
        try values.update(&maximumAUCLowerBound, .maximumAUCLowerBound)
        try values.update(&truePositiveRateLevel, .truePositiveRateLevel)
        try values.update(&maximumTruePositiveRateLowerBound, .maximumTruePositiveRateLowerBound)
        try values.update(&significance, .significance)
        try values.update(&maximumBlindLowerBound, .maximumBlindLowerBound)
        try values.update(&controlSignificance, .controlSignificance)
        try values.update(&minimumCoinsPerSide, .minimumCoinsPerSide)
        try values.update(&resolvableAUC, .resolvableAUC)
        try values.update(&minimumControlAUC, .minimumControlAUC)
    }
}
