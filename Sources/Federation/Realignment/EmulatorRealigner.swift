import Emulators

/// The owner's side of a run whose emulator is distilled again towards the full model with the adapter of the moment.
public protocol EmulatorRealigner: Sendable {
    /// Distils the thinned middle again, and records it as a release.
    ///
    /// - Parameters:
    ///   - state: the adapter after `round`.
    ///   - round: decides the data order.
    /// - Returns: nil when it came no nearer on held-out text: nothing is shipped then.
    func realign(to state: AdapterState, after round: Int) async throws -> RealignedMiddle?

    /// Goes on from the middle that an earlier process made.
    func resume(from middle: RealignedMiddle) async throws
}

/// What the owner needs to re-align an emulator.
public struct Realignment: Sendable {
    /// How it came from the full model.
    public var split: OffsiteSplit
    /// Public text.
    public var text: PublicText
    /// How to distil, each time.
    public var distillation: DistillationConfiguration
    /// Records the release before anybody gets it; throwing keeps it back.
    public var record: @Sendable (Release) throws -> Void

    /// A re-aligned emulator as the owner's ledger has it.
    public struct Release: Sendable, Equatable {
        /// The round after which it was made.
        public var round: Int
        /// Identifies it.
        public var releaseID: String
        /// What of the full model travels in it bit for bit.
        public var verbatim: [VerbatimPart]
        /// What distillation did.
        public var distillation: DistillationReport
    }

    /// Collects what is needed.
    public init(
        split: OffsiteSplit,
        text: PublicText,
        distillation: DistillationConfiguration,
        record: @escaping @Sendable (Release) throws -> Void
    ) {
        self.split = split
        self.text = text
        self.distillation = distillation
        self.record = record
    }
}
