/// What of the records an attacker read out of one round's update: figures only, never text.
public struct ReconstructionResult: Codable, Sendable, Equatable {
    /// Whose view the update was.
    public var vantage: VantagePoint
    /// The data holder whose update it was; nil for a sum.
    public var holder: String?
    /// The round.
    public var round: Int
    /// Whether the row spaces left room to read in; without it nothing is found.
    public var isReadable: Bool
    /// Different tokens found.
    public var tokens: Int
    /// Sequences found.
    public var sequences: Int
    /// Members of which a sequence is every token, but for the last, which leaves no trace.
    public var exactMembers: Int
    /// The same for held-out records: what chance alone, or common text, gives.
    public var exactHeldOut: Int
    /// Mean over sequences of ROUGE-1 with the nearest member.
    public var rouge1: Double
    /// The same for ROUGE-2.
    public var rouge2: Double

    /// Compares an outcome with the records.
    ///
    /// - Parameters:
    ///   - outcome: nil: nothing could be read.
    ///   - records: those of the update's holders, tokenised, with whether each was trained on.
    public init(
        _ outcome: TextReconstruction.Outcome?,
        vantage: VantagePoint,
        holder: String?,
        round: Int,
        records: [(ids: [Int32], isMember: Bool)]
    ) {
        self.vantage = vantage
        self.holder = holder
        self.round = round
        isReadable = outcome != nil
        tokens = outcome?.tokens.count ?? 0
        let sequences = outcome?.sequences ?? []
        self.sequences = sequences.count
        let found = Set(sequences)
        func exact(_ isMember: Bool) -> Int {
            records.count { $0.isMember == isMember && (found.contains($0.ids.dropLast()) || found.contains($0.ids)) }
        }
        exactMembers = exact(true)
        exactHeldOut = exact(false)
        let members = records.filter(\.isMember).map { Array($0.ids.dropLast()) }
        func nearest(_ n: Int) -> Double {
            let best = sequences.map { sequence in
                members.map { SequenceOverlap.rouge(n, sequence, $0) }.max() ?? 0
            }
            return best.isEmpty ? 0 : best.reduce(0, +) / Double(best.count)
        }
        rouge1 = nearest(1)
        rouge2 = nearest(2)
    }
}

extension Set<[Int32]> {
    fileprivate func contains(_ slice: ArraySlice<Int32>) -> Bool { contains(Array(slice)) }
}
