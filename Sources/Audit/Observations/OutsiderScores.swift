/// What two models say about records that nobody trained on, for attacks that learn from such records.
public struct OutsiderScores: Sendable, Equatable {
    /// Fewer of them teach nothing about how gains are spread.
    public static let minimum = 30

    /// `[records][tokens]` by the tuned model.
    public let tuned: [[TokenObservation]]
    /// `[records][tokens]` by the untuned model.
    public let reference: [[TokenObservation]]

    /// Keeps the records that have scored tokens.
    public init(tuned: [[TokenObservation]], reference: [[TokenObservation]]) {
        let kept = zip(tuned, reference).filter { !$0.isEmpty && !$1.isEmpty }
        self.tuned = kept.map(\.0)
        self.reference = kept.map(\.1)
    }

    /// Whether there are as many as ``minimum``.
    var isEnough: Bool { tuned.count >= Self.minimum }
}
