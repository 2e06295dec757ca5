import Cryptography

extension RoundHeader {
    /// SA1's default: t = ⌊2n/3⌋ + 1, which keeps sums private against the coordinator with fewer than n/3 participants.
    ///
    /// For n = 3 that is 3: nobody may drop out.
    public static func defaultThreshold(participants: Int) -> Int { 2 * participants / 3 + 1 }

    /// The finest scale for which `participants` clipped updates, rounded away from zero, and six standard deviations of
    /// noise stay inside the ring: `n·q_max + 6σ < 2^(b-1)` with `q_max = ⌊g·C⌋ + 1`.
    ///
    /// - Throws: `SecureAggregationError.overflow` when not one integer step is left for the clip bound.
    public static func finestScale(
        participants: Int,
        clip: Double,
        bits: Int = 32,
        noiseVariance: Double = 0
    ) throws -> Double {
        let half = Double(sign: .plus, exponent: bits - 1, significand: 1)
        let largest = ((half - 1 - 6 * noiseVariance.squareRoot()) / Double(participants)).rounded(.down) - 1
        guard clip.isFinite, clip > 0, largest >= 1 else {
            throw SecureAggregationError.overflow(
                participants: participants,
                bits: bits,
                reason: "no scale leaves a whole step for the bound \(clip); use more bits or fewer participants"
            )
        }
        // A step below the bound, so that rounding in the product cannot reach the next integer.
        return (largest / clip).nextDown
    }

    /// A header with the scale and the threshold worked out, checked by ``validate()``.
    ///
    /// - Parameters:
    ///   - cohort: ids of the chosen participants, in any order.
    ///   - updateLength: coordinates of an update.
    ///   - clip: bound on each update's Euclidean norm, in the update's units; a generous bound costs only resolution
    ///     (3 participants, clip 100: steps of 1.4e-7).
    ///   - weightMaximum: 0 for a uniform mean, otherwise the largest weight (say, number of records) of one participant.
    ///   - threshold: nil for ``defaultThreshold(participants:)``. Below that the sums stay private only while fewer
    ///     than `2t - n` participants work with the coordinator; 3 participants with t = 2 tolerate one dropout and *no*
    ///     such participant. Participants accept it only under ``RoundPolicy/Threshold-swift.enum/majority``.
    ///   - minimumSurvivors: nil for `max(3, t)`.
    ///   - bits: 16, 24 or 32 a coordinate; see ``QuantisationAccuracy`` for what fewer cost.
    ///   - rotation: of `updateLength` coordinates; gives fewer bits a far finer step and pads to a power of two.
    /// - Throws: `SecureAggregationError.invalidHeader`, `SecureAggregationError.overflow`.
    public init(
        session: [UInt8],
        round: UInt32,
        roster: Roster,
        cohort: [UInt32],
        emulatorManifestHash: [UInt8],
        stateHash: [UInt8],
        updateLength: Int,
        clip: Double,
        weightMaximum: UInt32 = 0,
        threshold: Int? = nil,
        minimumSurvivors: Int? = nil,
        bits: Int = 32,
        rotation: HadamardRotation? = nil
    ) throws {
        guard (2...Self.maximumCohort).contains(cohort.count) else {
            throw SecureAggregationError.invalidHeader(
                field: "cohort",
                reason: "\(cohort.count) participants; a sum needs 2...\(Self.maximumCohort)"
            )
        }
        guard Self.supportedBits.contains(bits) else {
            throw SecureAggregationError.invalidHeader(field: "bits", reason: "\(bits); use 16, 24 or 32")
        }
        let threshold = threshold ?? Self.defaultThreshold(participants: cohort.count)
        let survivors = minimumSurvivors ?? max(3, threshold)
        guard (1...cohort.count).contains(threshold), (1...cohort.count).contains(survivors) else {
            throw SecureAggregationError.invalidHeader(
                field: "threshold",
                reason: "\(threshold) shares and \(survivors) survivors of \(cohort.count) participants"
            )
        }
        guard (1..<Self.maximumLength).contains(updateLength) else {
            throw SecureAggregationError.invalidHeader(
                field: "length",
                reason: "\(updateLength) coordinates; use 1..<\(Self.maximumLength)"
            )
        }
        guard rotation.map({ $0.updateLength == updateLength }) ?? true else {
            throw SecureAggregationError.invalidHeader(
                field: "rotation",
                reason: "it is for \(rotation?.updateLength ?? 0) coordinates instead of \(updateLength)"
            )
        }
        self.session = session
        self.round = round
        rosterHash = roster.hash
        self.emulatorManifestHash = emulatorManifestHash
        self.stateHash = stateHash
        self.cohort = cohort.sorted()
        self.threshold = UInt16(threshold)
        self.bits = UInt8(bits)
        length = UInt64((rotation?.paddedLength ?? updateLength) + (weightMaximum > 0 ? 1 : 0))
        self.clip = clip
        scale = 1
        rotationCommitment = rotation?.commitment ?? Self.noRotation
        self.minimumSurvivors = UInt16(survivors)
        self.weightMaximum = weightMaximum
        scale = try Self.finestScale(participants: cohort.count, clip: coordinateBound, bits: bits)
        try validate()
    }

    /// Checks everything that does not depend on a policy, the overflow rule included.
    ///
    /// - Throws: `SecureAggregationError.invalidHeader`, `SecureAggregationError.overflow`.
    public func validate() throws {
        let n = cohort.count
        try require(session.count == 16, "session", "it must have 16 bytes")
        for (name, hash) in [
            ("roster hash", rosterHash), ("emulator manifest hash", emulatorManifestHash), ("state hash", stateHash),
        ] { try require(hash.count == 32, name, "it must have 32 bytes") }
        try require((2...Self.maximumCohort).contains(n), "cohort", "\(n) participants; use 2...\(Self.maximumCohort)")
        try require(zip(cohort, cohort.dropFirst()).allSatisfy(<), "cohort", "the ids must rise")
        try require(mode == 0 && neighbours == 0, "mode", "only the full graph (mode 0, k 0) is available")
        try require((1...n).contains(Int(threshold)), "threshold", "\(threshold) of \(n) participants")
        try require(2 * Int(threshold) > n, "threshold", "\(threshold) of \(n): two disjoint sets could both unmask")
        try require(Self.supportedBits.contains(Int(bits)), "bits", "\(bits); use 16, 24 or 32")
        try require(
            (UInt64(isWeighted ? 2 : 1)...UInt64(Self.maximumLength)).contains(length),
            "length",
            "\(length) coordinates; use up to \(Self.maximumLength)"
        )
        try require(clip.isFinite && clip > 0, "clip", "\(clip); use a finite positive bound")
        try require(scale.isFinite && scale > 0, "scale", "\(scale); use a finite positive scale")
        try require(rotationCommitment.count == 32, "rotation", "its commitment must have 32 bytes")
        try require(
            !isRotated || updateLength.nonzeroBitCount == 1,
            "rotation",
            "\(updateLength) coordinates are not a power of two"
        )
        try require(
            noiseMechanism == 0 && noiseVariance == 0 && noiseSurvivors == 0,
            "noise",
            "no mechanism is available; set it to none"
        )
        try require(deadlines.count == 5, "deadlines", "there must be 5")
        try require((2...n).contains(Int(minimumSurvivors)), "minimum survivors", "\(minimumSurvivors) of \(n)")
        try checkOverflow()
    }

    private func checkOverflow() throws {
        let n = cohort.count
        let half = Double(sign: .plus, exponent: Int(bits) - 1, significand: 1)
        let largest = (scale * coordinateBound).rounded(.down) + 1
        guard Double(n) * largest + 6 * noiseVariance.squareRoot() < half else {
            throw SecureAggregationError.overflow(
                participants: n,
                bits: Int(bits),
                reason:
                    "scale \(scale) times the bound \(coordinateBound) is too large; lower the scale or use more bits"
            )
        }
        guard Double(n) * Double(weightMaximum) < half else {
            throw SecureAggregationError.overflow(
                participants: n,
                bits: Int(bits),
                reason: "weights up to \(weightMaximum) are too large; lower the largest weight or use more bits"
            )
        }
    }

    private func require(_ condition: Bool, _ field: String, _ reason: @autoclosure () -> String) throws {
        if !condition { throw SecureAggregationError.invalidHeader(field: field, reason: reason()) }
    }
}
