import LanguageModels
import Progress
import TensorEngine

/// Thins the kept blocks of an emulator's middle: narrower feed-forward layers, attention in two factors.
enum MiddleThinning {
    private struct Batch {
        let layout: SequenceLayout
        var states: Tensor
    }

    /// The emulator with its middle thinned; its blocks otherwise share their values with `emulator`.
    ///
    /// Block by block through the full model's middle, so that memory holds the states of the text once.
    ///
    /// - Parameters:
    ///   - emulator: cut from `full`, its middle whole.
    ///   - full: what the statistics are measured on.
    ///   - split: how they relate.
    ///   - thinning: how much stays.
    ///   - text: public text; nil: norms of weights decide alone and nothing is fitted.
    /// - Throws: `CancellationError`, `LanguageModelError`.
    static func apply(
        to emulator: LanguageModel,
        full: LanguageModel,
        split: OffsiteSplit,
        thinning: Thinning,
        text: PublicText?,
        progress: ProgressHandler?,
        isCancelled: () -> Bool
    ) throws -> LanguageModel {
        guard !thinning.isWhole, !split.keptLayers.isEmpty else { return emulator }
        var batches = text.map { start($0, tokens: thinning.calibrationTokens, full: full, split: split) } ?? []
        let last = (split.keptLayers.last ?? split.bottom) + 1
        var replacements: [Int: BlockReplacement] = [:]
        for layer in split.bottom..<last {
            progress?(
                ProgressEvent(
                    phase: "thinning",
                    completed: layer - split.bottom,
                    total: last - split.bottom,
                    unit: "blocks"
                )
            )
            let block = full.blocks[layer]
            let position = split.keptLayers.firstIndex(of: layer)
            let moments = position == nil || batches.isEmpty ? nil : BlockMoments(of: block, thinning: thinning)
            for index in batches.indices {
                if isCancelled() { throw CancellationError() }
                let (x, layout) = (batches[index].states, batches[index].layout)
                batches[index].states =
                    moments?.run(x, layout: layout, mask: SinkTokens.mask(x, layout: layout))
                    ?? block.forward(x, on: Tape(isRecording: false), layout: layout)
            }
            guard let position else { continue }
            replacements[split.bottom + position] = try replacement(
                for: block,
                named: { full.localName($0, layer) },
                thinning: thinning,
                moments: moments
            )
        }
        progress?(
            ProgressEvent(phase: "thinning", completed: last - split.bottom, total: last - split.bottom, unit: "blocks")
        )
        return try emulator.replacing(blocks: replacements)
    }

    private static func start(
        _ text: PublicText,
        tokens: Int,
        full: LanguageModel,
        split: OffsiteSplit
    ) -> [Batch] {
        text.batches(tokens: tokens).map { sequences in
            let layout = SequenceLayout(lengths: sequences.map(\.count))
            let tape = Tape(isRecording: false)
            let x = full.embed(sequences.flatMap { $0 }, layout: layout, on: tape)
            return Batch(layout: layout, states: full.run(blocks: 0..<split.bottom, from: x, layout: layout, on: tape))
        }
    }

    private static func replacement(
        for block: any DecoderBlock,
        named localName: (Linear) -> String,
        thinning: Thinning,
        moments: BlockMoments?
    ) throws -> BlockReplacement {
        let size = block.feedForwardOutput.inputSize
        var shape = BlockShape(feedForwardSize: thinning.channels(of: size))
        var values: [String: Tensor] = [:]
        if shape.feedForwardSize < size {
            values = ChannelPruning.weights(
                of: block,
                keeping: ChannelPruning.channels(shape.feedForwardSize, of: block, moment: moments?.channels),
                moment: moments?.channels,
                refits: thinning.refits,
                localName: localName
            )
        }
        for layer in block.attentionProjections {
            let name = localName(layer)
            guard let rank = thinning.rank(rows: layer.outputSize, columns: layer.inputSize) else { continue }
            guard
                let factors = AttentionFactors.weights(
                    of: layer,
                    rank: rank,
                    moment: moments?.attention[layer.name],
                    localName: name
                )
            else { throw EmulatorError.notDecomposable(tensor: layer.name) }
            shape.ranks[name] = rank
            values.merge(factors) { $1 }
        }
        return BlockReplacement(shape: shape, values: values)
    }
}
