/// What a long-running library call tells its caller: libraries never print, the command line draws these.
public struct ProgressEvent: Sendable {
    /// What is being done, in a few words: `"distilling"`. One phase is one bar.
    public var phase: String
    /// Where a phase of many parts stands: `"round 2 of 4, north"`.
    public var stage: String?
    /// Units finished so far in this phase; a phase begins with an event of 0, so that its rate has a beginning.
    public var completed: Int
    /// Units in the phase, when known.
    public var total: Int?
    /// What one unit is, in the plural: `"tokens"`, `"steps"`, `"records"`.
    public var unit: String
    /// Figures worth showing beside the bar, in the order to show them, e.g. `[("loss", 1.23)]`.
    public var figures: [(name: String, value: Double)]

    /// Makes an event; `total` nil means that the length of the phase is unknown.
    public init(
        phase: String,
        stage: String? = nil,
        completed: Int,
        total: Int?,
        unit: String,
        figures: [(name: String, value: Double)] = []
    ) {
        self.phase = phase
        self.stage = stage
        self.completed = completed
        self.total = total
        self.unit = unit
        self.figures = figures
    }
}

/// Receives progress events; called on whatever thread does the work, so it must be quick.
public typealias ProgressHandler = @Sendable (ProgressEvent) -> Void
