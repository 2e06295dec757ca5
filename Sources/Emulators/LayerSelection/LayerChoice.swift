import LanguageModels
import Progress

/// Which blocks of a middle were kept, and by what figures: a secret of the owner, as the blocks are.
public struct LayerChoice: Codable, Sendable, Equatable {
    /// The method.
    public var selection: LayerSelection
    /// The kept blocks, 0-based within the middle, ascending.
    public var kept: [Int]
    /// What the figures were measured on; nil when nothing was.
    public var source: String?
    /// The method's figures; nil for those that look at no text. `block-influence`: of each block. `cka`: between each
    /// block's output and the next one's. `contiguous`: the distance over each run that could be dropped, by its first block.
    public var scores: [Double]?
    /// `leave-one-out`: the loss of each block by itself.
    public var leaveOneOut: LeaveOneOutLosses?
    /// Where the attention sink is made; nil when no block was dropped.
    public var sink: AttentionSink?

    /// The block that makes the attention sink, when it is not kept.
    public var droppedSink: Int? { sink?.block.flatMap { kept.contains($0) ? nil : $0 } }
}

extension LayerSelection {
    /// Chooses the blocks of a model's middle that an emulator keeps.
    ///
    /// `block-influence`, `cka` and `contiguous` leave sink tokens out of their figures and so cannot see what the block that
    /// makes the attention sink is good for: they keep it first. `leave-one-out` sees it in the loss. The others follow their
    /// rule; ``LayerChoice/droppedSink`` tells when it drops the block.
    ///
    /// - Parameters:
    ///   - model: the full model.
    ///   - middle: its blocks to choose from.
    ///   - count: how many to keep.
    ///   - seed: decides `random`.
    ///   - text: public text; may be nil where ``needsText`` is false.
    ///   - progress: told what goes on.
    ///   - isCancelled: asked between batches.
    /// - Throws: `EmulatorError.selectionNeedsText`, `.tooFewTexts`, `.notFinite`; `LanguageModelError`;
    ///   `CancellationError`.
    public func choose(
        from model: LanguageModel,
        middle: Range<Int>,
        keeping count: Int,
        seed: UInt64,
        text: PublicText?,
        progress: ProgressHandler? = nil,
        isCancelled: () -> Bool = { false }
    ) throws -> LayerChoice {
        if needsText, text == nil { throw EmulatorError.selectionNeedsText(self) }
        if count == middle.count { return LayerChoice(selection: self, kept: Array(0..<count)) }
        let text =
            text
            ?? Calibration.randomTokens(
                vocabularySize: model.configuration.vocabularySize,
                maximumLength: model.configuration.maximumPositions
            )
        let tokens = needsText && self != .leaveOneOut ? Calibration.stateTokens : Calibration.lossTokens
        let sequences = Calibration.spread(over: text, tokens: tokens, sequences: Calibration.stateSequences)
        if needsText, sequences.count < 2 {
            throw EmulatorError.tooFewTexts(
                source: text.source,
                purpose: "comparing layers",
                count: sequences.count,
                needed: 2
            )
        }
        let states = try LayerStates.measure(
            model,
            middle: middle,
            sequences: sequences,
            progress: progress,
            isCancelled: isCancelled
        )
        guard states.firstTokenShare.allSatisfy(\.isFinite) else {
            throw EmulatorError.notFinite(quantity: "hidden states", source: text.source)
        }
        let sink = AttentionSink(firstTokenShare: states.firstTokenShare)
        var choice = LayerChoice(selection: self, kept: [], source: text.source, sink: sink)
        switch self {
        case .uniform, .nested, .random:
            choice.kept = indices(keeping: count, of: middle.count, seed: seed) ?? []
        case .blockInfluence:
            let scores = states.blockInfluence
            choice.scores = scores
            choice.kept = BlockInfluence.kept(scores, count: count, pinned: sink.block)
        case .cka:
            let clustering = CKAClustering(states)
            choice.scores = (0..<(middle.count - 1)).map { clustering.similarity($0, $0 + 1) }
            choice.kept = clustering.kept(count, pinned: sink.block)
        case .contiguous:
            let distances = AngularDistance.distances(states, run: middle.count - count)
            choice.scores = distances
            choice.kept = AngularDistance.kept(distances, run: middle.count - count, pinned: sink.block)
        case .leaveOneOut:
            let search = try LeaveOneOut(model, middle: middle, sequences: sequences, source: text.source)
            let found = try search.greedy(keeping: count, progress: progress, isCancelled: isCancelled)
            choice.kept = found.kept
            choice.leaveOneOut = found.losses
        }
        return choice
    }
}
