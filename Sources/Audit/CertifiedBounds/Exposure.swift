import Foundation

/// How much more likely a model finds a planted secret than others of its kind, in bits: Carlini, Liu, Erlingsson, Kos & Song
/// 2019 ("The Secret Sharer"). At most log₂ of the number of candidates; around 0 … 1 when nothing was memorised.
public enum Exposure {
    /// log₂|R| − log₂ rank.
    ///
    /// - Parameters:
    ///   - rank: of the secret among all candidates by perplexity, 1 the most likely.
    ///   - candidates: how many secrets there could have been, |R|.
    /// - Throws: `AuditError.outOfRange`.
    public static func bits(rank: Int, candidates: Int) throws(AuditError) -> Double {
        try AuditError.check("number of candidates", candidates, in: 1...Int.max)
        try AuditError.check("rank", rank, in: 1...candidates)
        return log2(Double(candidates)) - log2(Double(rank))
    }

    /// The exposure of each secret, its rank taken in a random sample of candidates.
    ///
    /// A candidate as likely as the secret ranks before it, so that a tie never looks memorised; a secret behind all
    /// candidates is slightly negative.
    ///
    /// - Parameters:
    ///   - secrets: perplexities of the planted secrets.
    ///   - candidates: perplexities of secrets that were not planted.
    /// - Throws: `AuditError.outOfRange` without candidates, or for a perplexity that is not a number.
    public static func bits(
        secrets: [Double],
        among candidates: [Double]
    ) throws(AuditError) -> [Double] {
        try AuditError.check("number of candidates", candidates.count, in: 1...Int.max)
        if let value = (secrets + candidates).first(where: \.isNaN) {
            throw .outOfRange(parameter: "perplexity", value: "\(value)", range: "a number")
        }
        let sorted = candidates.sorted()
        return secrets.map { secret in
            var low = 0
            var high = sorted.count
            while low < high {
                let middle = (low + high) / 2
                if sorted[middle] <= secret { low = middle + 1 } else { high = middle }
            }
            return log2(Double(candidates.count)) - log2(Double(1 + low))
        }
    }
}
