import LanguageModels
import Progress
import TensorEngine
import Training

/// Which distance between teacher and student distillation minimises.
public enum DistillationLoss: String, Codable, Sendable, CaseIterable {
    /// Each token's squared error over its own energy, without the first tokens of a sequence, which carry almost all
    /// the energy as attention sinks and nothing of the text.
    case perToken = "per-token"
    /// mean(((T − S)/rms(T))²) over all tokens (Xiao, Lin, Han 2023, `get_kd_loss`).
    case offsiteTuning = "offsite-tuning"
}

/// How to distil.
public struct DistillationConfiguration: Codable, Sendable, Equatable {
    /// Tokens in all; 0: the kept blocks stay verbatim.
    public var tokens: Int
    /// The distance.
    public var loss: DistillationLoss
    /// Peak rate of AdamW (no decay, cosine schedule, a tenth of the steps for warm-up).
    public var learningRate: Double
    /// Sequences of a step.
    public var batch: Int
    /// Tokens of a sequence.
    public var length: Int
    /// Decides the data order.
    public var seed: UInt64

    /// Tokens at the start of a sequence that `.perToken` leaves out.
    public static let sinkTokens = 1

    /// Makes a configuration.
    public init(
        tokens: Int = 65_536,
        loss: DistillationLoss = .perToken,
        learningRate: Double = 3e-4,
        batch: Int = 4,
        length: Int = 256,
        seed: UInt64 = 0
    ) {
        self.tokens = tokens
        self.loss = loss
        self.learningRate = learningRate
        self.batch = batch
        self.length = length
        self.seed = seed
    }
}

/// What distillation did.
public struct DistillationReport: Codable, Sendable, Equatable {
    /// Where the text came from.
    public var source: String
    /// Tokens seen.
    public var tokens: Int
    /// The loss of each step.
    public var losses: [Double]
}

/// Trains the thinned middle to give what the whole middle gives, fed with the same states: the teacher sees the
/// student's own input (Xiao, Lin, Han 2023, section 3). Both ends, embedding, norm and head stay as they are.
public enum Distillation {
    /// Distils in place.
    ///
    /// - Parameters:
    ///   - emulator: cut from `full`, its thinned middle copied.
    ///   - full: the teacher; unchanged.
    ///   - split: how they relate.
    ///   - text: public text.
    ///   - configuration: how.
    ///   - progress: told tokens and loss after each step.
    ///   - isCancelled: asked between steps.
    /// - Throws: `EmulatorError.diverged`; `CancellationError` when cancelled.
    public static func run(
        emulator: LanguageModel,
        full: LanguageModel,
        split: OffsiteSplit,
        text: PublicText,
        configuration: DistillationConfiguration,
        progress: ProgressHandler? = nil,
        isCancelled: () -> Bool = { false }
    ) throws -> DistillationReport {
        let parameters = emulator.blocks[split.thinnedMiddle].flatMap(\.parameters)
        guard configuration.tokens > 0, !parameters.isEmpty else {
            return DistillationReport(source: text.source, tokens: 0, losses: [])
        }
        for parameter in parameters { parameter.isTrainable = true }
        defer { for parameter in parameters { parameter.isTrainable = false } }
        let examples = text.sequences.enumerated().map { index, ids in
            EncodedExample(
                ids: Array(ids.prefix(configuration.length)),
                labels: ids.prefix(configuration.length).map { $0 },
                recordIndex: index
            )
        }
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
            objective(
                batch.flatMap(\.ids),
                layout: SequenceLayout(lengths: batch.map(\.ids.count)),
                emulator: emulator,
                full: full,
                split: split,
                loss: configuration.loss,
                on: tape
            )
        }
        let report: FitReport
        do {
            report = try trainer.fit(steps: steps, phase: "distilling", progress: progress, isCancelled: isCancelled)
        } catch TrainingError.notFinite(_, let step, _, _) {
            throw EmulatorError.diverged(step: step + 1)
        }
        if report.wasCancelled { throw CancellationError() }
        return DistillationReport(source: text.source, tokens: report.tokens, losses: report.losses)
    }

    /// The distance between the student's and the teacher's middle on some tokens: the scalar that a step minimises.
    ///
    /// - Parameters:
    ///   - ids: the tokens of all sequences.
    ///   - layout: where they lie.
    ///   - emulator: the student, its thinned middle trainable.
    ///   - full: the teacher, which also gives both their input.
    ///   - split: how they relate.
    ///   - loss: which distance.
    ///   - tape: what records the student.
    public static func objective(
        _ ids: [Int32],
        layout: SequenceLayout,
        emulator: LanguageModel,
        full: LanguageModel,
        split: OffsiteSplit,
        loss: DistillationLoss,
        on tape: Tape
    ) -> Tensor {
        let inference = Tape(isRecording: false)
        let start = full.embed(ids, layout: layout, on: inference)
        let input = full.run(blocks: 0..<split.bottom, from: start, layout: layout, on: inference)
        let middle = split.bottom..<(split.fullLayerCount - split.top)
        let teacher = full.run(blocks: middle, from: input, layout: layout, on: inference)
        let student = emulator.run(blocks: split.thinnedMiddle, from: input, layout: layout, on: tape)
        switch loss {
        case .perToken:
            let mask = layout.lengths.flatMap { length in
                (0..<length).map { $0 >= DistillationConfiguration.sinkTokens }
            }
            return tape.normalizedSquaredError(student, teacher: teacher, normalization: .perToken, rowMask: mask)
        case .offsiteTuning:
            return tape.normalizedSquaredError(student, teacher: teacher, normalization: .global)
        }
    }
}
