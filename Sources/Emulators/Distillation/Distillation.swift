import LanguageModels
import Progress
import TensorEngine
import Training

/// Trains the thinned middle to give what the whole middle gives (Xiao, Lin, Han 2023, section 3). Both ends, embedding,
/// norm and head stay as they are.
public struct Distillation {
    private let emulator: LanguageModel
    private let split: OffsiteSplit
    private let configuration: DistillationConfiguration
    private let objective: DistillationObjective
    private let full: LanguageModel

    /// Prepares the distillation of an emulator.
    ///
    /// - Parameters:
    ///   - emulator: cut from `full`, its thinned middle owning its values.
    ///   - full: the teacher; unchanged.
    ///   - split: how they relate.
    ///   - configuration: how.
    public init(
        emulator: LanguageModel,
        full: LanguageModel,
        split: OffsiteSplit,
        configuration: DistillationConfiguration
    ) {
        self.emulator = emulator
        self.full = full
        self.split = split
        self.configuration = configuration
        objective = DistillationObjective(
            emulator: emulator,
            full: full,
            split: split,
            segments: Segments(split),
            loss: configuration.loss,
            divergenceWeight: configuration.divergenceWeight
        )
    }

    /// Distils in place.
    ///
    /// - Parameters:
    ///   - text: public text.
    ///   - heldOut: public text that decides when to stop and which weights stay; nil or empty: the last ones do.
    ///   - progress: told tokens and loss after each step.
    ///   - isCancelled: asked between steps.
    /// - Throws: `EmulatorError.diverged`; `CancellationError` when cancelled.
    public func run(
        on text: PublicText,
        heldOut: PublicText? = nil,
        progress: ProgressHandler? = nil,
        isCancelled: () -> Bool = { false }
    ) throws -> DistillationReport {
        let parameters = trained
        guard configuration.tokens > 0, !parameters.isEmpty else {
            return DistillationReport(source: text.source, tokens: 0, losses: [])
        }
        for parameter in parameters { parameter.isTrainable = true }
        defer { for parameter in parameters { parameter.isTrainable = false } }
        let examples = encoded(text)
        let mean = Double(examples.reduce(0) { $0 + $1.ids.count }) / Double(examples.count)
        let steps = max(1, Int((Double(configuration.tokens) / (mean * Double(configuration.batch))).rounded()))
        let trainer = try Trainer(
            parameters: parameters,
            examples: examples,
            source: ExampleSource(path: text.source),
            configuration: TrainerConfiguration(
                batchSize: configuration.batch,
                schedule: LearningRateSchedule(
                    .cosine,
                    peak: configuration.learningRate,
                    warmupSteps: steps / 10,
                    totalSteps: steps
                ),
                optimizer: .adamW(weightDecay: 0),
                clippingNorm: 1,
                seed: configuration.seed
            )
        ) { batch, tape, _ in
            loss(of: batch, on: tape)
        }
        let watch = heldOut.flatMap { EarlyStopping(encoded($0), configuration: configuration, steps: steps) }
        var report = DistillationReport(source: text.source, tokens: 0, losses: [])
        let total = trainer.upcomingTokens(steps: steps)
        do {
            while trainer.step < steps {
                if try watch?.look(at: trainer.step, parameters: parameters, loss: value) == true {
                    report.stoppedEarly = true
                    break
                }
                let part = min(watch?.interval ?? steps, steps - trainer.step)
                let before = report.tokens
                let fit = try trainer.fit(
                    steps: part,
                    phase: "distilling",
                    progress: progress.map { Self.continuing($0, from: before, total: total) },
                    isCancelled: isCancelled
                )
                if fit.wasCancelled { throw CancellationError() }
                report.tokens += fit.tokens
                report.losses += fit.losses
            }
            _ = try watch?.look(at: trainer.step, parameters: parameters, loss: value)
        } catch TrainingError.notFinite(_, let step, _, _) {
            throw EmulatorError.diverged(step: step + 1)
        }
        watch?.restoreBest(to: parameters)
        report.heldOut = watch?.history ?? []
        return report
    }

    /// Events of a part of the run as events of the whole.
    private static func continuing(
        _ handler: @escaping ProgressHandler,
        from completed: Int,
        total: Int
    ) -> ProgressHandler {
        { event in
            handler(
                ProgressEvent(
                    phase: event.phase,
                    completed: completed + event.completed,
                    total: total,
                    unit: event.unit,
                    figures: event.figures
                )
            )
        }
    }

    /// The loss on text of the emulator as it is, weighted by tokens: how far the thinned middle is from the whole one.
    ///
    /// - Throws: `CancellationError` when cancelled.
    public func error(on text: PublicText, isCancelled: () -> Bool = { false }) throws -> Double {
        var (sum, tokens) = (0.0, 0)
        for example in encoded(text) {
            if isCancelled() { throw CancellationError() }
            sum += value(of: [example]) * Double(example.ids.count)
            tokens += example.ids.count
        }
        return tokens == 0 ? 0 : sum / Double(tokens)
    }

    /// The scalar that a step on these token sequences minimises.
    public func loss(of sequences: [[Int32]], on tape: Tape) -> Tensor {
        let layout = SequenceLayout(lengths: sequences.map(\.count))
        let teacher = TeacherStates(
            sequences.flatMap { $0 },
            layout: layout,
            full: full,
            split: split,
            segments: objective.segments,
            needsFinal: objective.needsFinal
        )
        return objective(layout: layout, teacher: teacher, on: tape)
    }

    private func loss(of batch: [EncodedExample], on tape: Tape) -> Tensor { loss(of: batch.map(\.ids), on: tape) }

    private func value(of batch: [EncodedExample]) -> Double {
        Double(loss(of: batch, on: Tape(isRecording: false)).values.first ?? .nan)
    }

    private var trained: [Parameter] {
        let blocks = emulator.blocks[split.thinnedMiddle]
        switch configuration.weights {
        case .all: return blocks.flatMap(\.parameters)
        case .feedForward:
            return blocks.flatMap { ($0.feedForwardInputs + [$0.feedForwardOutput]).flatMap(\.parameters) }
        }
    }

    private func encoded(_ text: PublicText) -> [EncodedExample] {
        text.sequences.enumerated().map { index, ids in
            let ids = Array(ids.prefix(configuration.length))
            return EncodedExample(ids: ids, labels: ids, recordIndex: index)
        }
    }
}
