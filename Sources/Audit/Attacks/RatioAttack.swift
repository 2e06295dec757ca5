/// RATIO (Mireshghallah et al. 2022): the log-likelihood gained over the untuned model.
///
/// The reference is free here: every party holds the model with the adapter as it was before tuning.
public struct RatioAttack: Attack {
    /// `RATIO`.
    public let name = "RATIO"
    /// One sentence for the report.
    public let explanation = "How much better the tuned model predicts the record than the untuned model does."
    /// Compares with the untuned model.
    public let needs: Set<Evidence> = [.reference]

    /// Has no parameters.
    public init() {}

    /// LL_tuned(x) − LL_untuned(x), in nats a token.
    public func scores(of observations: [RecordObservation]) -> [Double] {
        observations.map { LogLikelihood.mean($0.tuned) - LogLikelihood.mean($0.reference) }
    }
}
