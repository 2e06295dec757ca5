/// LOSS (Yeom et al. 2018): the mean log-likelihood of the record under the tuned model.
public struct LossAttack: Attack {
    /// `LOSS`.
    public let name = "LOSS"
    /// One sentence for the report.
    public let explanation = "How fluently the tuned model predicts the record, word by word."

    /// Has no parameters.
    public init() {}

    /// LL(x), in nats a token.
    public func scores(of observations: [RecordObservation]) -> [Double] {
        observations.map { LogLikelihood.mean($0.tuned) }
    }
}
