import Compression

/// ZLIB (Carlini et al. 2021): the log-likelihood over the compressed length, which discounts text that is easy anyway.
public struct ZlibAttack: Attack {
    /// `ZLIB`.
    public let name = "ZLIB"
    /// One sentence for the report.
    public let explanation = "Fluency, discounted for text that any compressor finds repetitive."

    /// Has no parameters.
    public init() {}

    /// LL(x) / bytes of zlib(x) at level 6, header and checksum included, of the text that carries loss.
    public func scores(of observations: [RecordObservation]) -> [Double] {
        observations.map {
            LogLikelihood.mean($0.tuned) / Double(Zlib.compressedLength(of: $0.record.answer.utf8))
        }
    }
}
