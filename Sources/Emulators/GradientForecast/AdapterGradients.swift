import LanguageModels
import Progress
import TensorEngine
import Training

/// The adapter's gradients in the full model on a few batches of text, to compare those of its emulators with.
///
/// Holds one gradient of the adapter's size a batch, so that a forecast before distilling and one after cost the full
/// model's backward pass once.
public final class AdapterGradients {
    /// Batches of the default text: two, the least that gives a noise level.
    private static let defaultBatches = 2
    /// Tokens of all batches of the default text.
    private static let defaultTokens = 4_096
    /// Rows of one backward pass.
    private static let rowsAtOnce = 1_024

    private typealias Ends = (bottom: [Tensor], top: [Tensor])

    private let bottom: Int
    private let top: Int
    private let batches: [[EncodedExample]]
    private let source: String
    private var reference: [Ends] = []

    /// Takes the full model's gradients.
    ///
    /// - Parameters:
    ///   - full: the full model; its values and `isTrainable` are as before afterwards.
    ///   - bottom: blocks of the adapter at the input end.
    ///   - top: blocks of the adapter at the output end.
    ///   - batches: at least two, disjoint, each with labelled tokens.
    ///   - source: where they came from, for errors.
    ///   - progress: told the tokens done.
    ///   - isCancelled: asked between passes.
    /// - Throws: `EmulatorError.notFinite`, `.tooFewTexts`; `LanguageModelError` for an example that the model cannot
    ///   take; `CancellationError` when cancelled.
    public init(
        full: LanguageModel,
        bottom: Int,
        top: Int,
        batches: [[EncodedExample]],
        source: String,
        progress: ProgressHandler? = nil,
        isCancelled: () -> Bool = { false }
    ) throws {
        for example in batches.joined() { try full.validate(example.ids) }
        guard batches.count > 1, batches.allSatisfy({ $0.contains { $0.labelledTokenCount > 0 } }) else {
            throw EmulatorError.tooFewTexts(source: source, purpose: "a forecast", count: batches.count, needed: 2)
        }
        self.bottom = bottom
        self.top = top
        self.batches = batches
        self.source = source
        reference = try gradients(of: full, named: "full model", progress: progress, isCancelled: isCancelled)
    }

    /// The same on text: sequences spread evenly over it, dealt to two batches. As in tuning, what is predicted has a prompt
    /// before it: the second half of each sequence carries the loss. Above all the first token predicts nothing: in the full
    /// model it is the attention sink, whose great norm lets hardly any gradient through, and in an emulator without one its
    /// gradient would outweigh all others.
    ///
    /// - Returns: nil when there are fewer than two sequences.
    /// - Throws: as the other.
    public convenience init?(
        full: LanguageModel,
        bottom: Int,
        top: Int,
        text: PublicText,
        progress: ProgressHandler? = nil,
        isCancelled: () -> Bool = { false }
    ) throws {
        let sequences = Calibration.spread(over: text, tokens: Self.defaultTokens)
        guard sequences.count >= Self.defaultBatches else { return nil }
        var batches = [[EncodedExample]](repeating: [], count: Self.defaultBatches)
        for (index, ids) in sequences.enumerated() {
            let prompt = max(min(2, ids.count - 1), ids.count / 2)
            let labels = Array(repeating: EncodedExample.ignoredLabel, count: prompt) + ids.dropFirst(prompt)
            batches[index % Self.defaultBatches].append(EncodedExample(ids: ids, labels: labels, recordIndex: index))
        }
        try self.init(
            full: full,
            bottom: bottom,
            top: top,
            batches: batches,
            source: text.source,
            progress: progress,
            isCancelled: isCancelled
        )
    }

    /// Compares an emulator's gradients with the full model's.
    ///
    /// - Parameters:
    ///   - emulator: any model whose first and last blocks are the adapter's; its values and `isTrainable` are as before
    ///     afterwards.
    ///   - progress: told the tokens done.
    ///   - isCancelled: asked between passes.
    /// - Throws: as ``init(full:bottom:top:batches:source:progress:isCancelled:)``.
    public func forecast(
        _ emulator: LanguageModel,
        progress: ProgressHandler? = nil,
        isCancelled: () -> Bool = { false }
    ) throws -> GradientForecast {
        let own = try gradients(of: emulator, named: "emulator", progress: progress, isCancelled: isCancelled)
        func end(_ part: (Ends) -> [Tensor]) -> GradientForecast.End? {
            guard let first = reference.first, !part(first).isEmpty else { return nil }
            let pairs = zip(own, reference).map { (part($0), part($1)) }
            let neighbours = zip(reference, reference.dropFirst()).map { (part($0), part($1)) }
            func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
            return GradientForecast.End(
                cosine: mean(pairs.map { Self.cosine($0.0, $0.1) }),
                normRatio: mean(
                    pairs.map { Self.ratio(Self.product($0.0, $0.0), Self.product($0.1, $0.1)).squareRoot() }
                ),
                noise: mean(neighbours.map { Self.cosine($0.0, $0.1) })
            )
        }
        return GradientForecast(
            bottom: end { $0.bottom },
            top: end { $0.top },
            batches: batches.count,
            tokens: batches.joined().reduce(0) { $0 + $1.ids.count }
        )
    }

    /// The gradient of each batch's mean loss with respect to both ends.
    private func gradients(
        of model: LanguageModel,
        named name: String,
        progress: ProgressHandler?,
        isCancelled: () -> Bool
    ) throws -> [Ends] {
        let ends = (bottom: model.blocks.prefix(bottom), top: model.blocks.suffix(top))
        let adapter = (Array(ends.bottom) + Array(ends.top)).flatMap(\.parameters)
        let all = model.parameters
        let before = all.map(\.isTrainable)
        for parameter in all { parameter.isTrainable = false }
        defer { for (parameter, value) in zip(all, before) { parameter.isTrainable = value } }
        let total = batches.joined().reduce(0) { $0 + $1.ids.count }
        var done = 0
        func tell() {
            let phase = "adapter gradients, \(name)"
            progress?(ProgressEvent(phase: phase, completed: done, total: total, unit: "tokens"))
        }
        tell()
        return try batches.map { batch in
            // Buffers of their own for each batch: those of the last one are kept.
            for parameter in adapter { parameter.isTrainable = false }
            for parameter in adapter { parameter.isTrainable = true }
            let labelled = Float(batch.reduce(0) { $0 + $1.labelledTokenCount })
            for part in Calibration.batches(batch, rows: Self.rowsAtOnce, length: \.ids.count) {
                if isCancelled() { throw CancellationError() }
                let tape = Tape()
                tape.backward(from: model.loss(TokenBatch(part), on: tape, divisor: labelled))
                done += part.reduce(0) { $0 + $1.ids.count }
                tell()
            }
            func taken(_ blocks: ArraySlice<any DecoderBlock>) -> [Tensor] {
                blocks.flatMap(\.parameters).compactMap(\.gradient)
            }
            let gradients = (bottom: taken(ends.bottom), top: taken(ends.top))
            guard !(gradients.bottom + gradients.top).contains(where: Elementwise.hasNonFinite) else {
                throw EmulatorError.notFinite(quantity: "adapter's gradient under the \(name)", source: source)
            }
            return gradients
        }
    }

    private static func product(_ a: [Tensor], _ b: [Tensor]) -> Double {
        zip(a, b).reduce(0) { sum, pair in
            sum + pair.0.withUnsafeBufferPointer { x in pair.1.withUnsafeBufferPointer { y in dot(x, y) } }
        }
    }

    private static func cosine(_ a: [Tensor], _ b: [Tensor]) -> Double {
        ratio(product(a, b), (product(a, a) * product(b, b)).squareRoot())
    }

    /// 0 where nothing is divided by nothing.
    private static func ratio(_ a: Double, _ b: Double) -> Double { b == 0 ? 0 : a / b }
}
