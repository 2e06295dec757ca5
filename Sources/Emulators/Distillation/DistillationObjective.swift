import LanguageModels
import TensorEngine

/// What a step of distillation minimises.
struct DistillationObjective {
    let emulator: LanguageModel
    let split: OffsiteSplit
    let segments: Segments
    let loss: DistillationLoss
    /// Weight of KL(full ‖ emulator) on the logits.
    let divergenceWeight: Double

    /// Whether the teacher's top blocks have to run.
    var needsFinal: Bool { divergenceWeight > 0 && loss != .perLayer }

    /// The scalar for some text.
    ///
    /// - Parameters:
    ///   - layout: where the sequences lie.
    ///   - teacher: what the full model makes of them.
    ///   - tape: what records the student.
    func callAsFunction(layout: SequenceLayout, teacher: TeacherStates, on tape: Tape) -> Tensor {
        switch loss {
        case .perLayer: return perLayer(layout, teacher, tape)
        case .perToken:
            let (error, output) = perToken(layout, teacher, tape)
            return adding(divergence(from: output, layout, teacher, tape), to: error, on: tape)
        case .offsiteTuning:
            let input = teacher.boundaries[0]
            let output = emulator.run(blocks: split.thinnedMiddle, from: input, layout: layout, on: tape)
            let error = tape.normalizedSquaredError(
                output,
                teacher: teacher.boundaries[segments.count],
                normalization: .global
            )
            return adding(divergence(from: output, layout, teacher, tape), to: error, on: tape)
        }
    }

    /// Each student block on the teacher's own state: mean over segments and tokens of ‖T′ − S(T)‖² / ‖T′ − T‖².
    private func perLayer(_ layout: SequenceLayout, _ teacher: TeacherStates, _ tape: Tape) -> Tensor {
        var total: Tensor?
        for segment in 0..<segments.count {
            let (input, target) = (teacher.boundaries[segment], teacher.boundaries[segment + 1])
            let block = split.bottom + segment
            let output = emulator.run(blocks: block..<block + 1, from: input, layout: layout, on: tape)
            let mask = SinkTokens.mask(target, layout: layout)
            let count = Double(max(1, mask.filter { $0 }.count * segments.count))
            let weights = TokenEnergy.ofDifference(target, input).enumerated().map { row, energy in
                mask[row] ? 1 / (count * max(energy, 1e-12)) : 0
            }
            let error = tape.normalizedSquaredError(output, teacher: target, normalization: .weights(weights))
            total = total.map { tape.add($0, error) } ?? error
        }
        return total ?? Tensor(shape: [1], values: [0])
    }

    /// The student on its own states: mean over segment ends and tokens of ‖T − S‖² / ‖T‖².
    private func perToken(_ layout: SequenceLayout, _ teacher: TeacherStates, _ tape: Tape) -> (Tensor, Tensor) {
        var x = teacher.boundaries[0]
        var total: Tensor?
        for segment in 0..<segments.count {
            let block = split.bottom + segment
            x = emulator.run(blocks: block..<block + 1, from: x, layout: layout, on: tape)
            let target = teacher.boundaries[segment + 1]
            let mask = SinkTokens.mask(target, layout: layout)
            let count = Double(max(1, mask.filter { $0 }.count * segments.count))
            let weights = TokenEnergy.of(target).enumerated().map { row, energy in
                mask[row] ? 1 / (count * max(energy, 1e-12)) : 0
            }
            let error = tape.normalizedSquaredError(x, teacher: target, normalization: .weights(weights))
            total = total.map { tape.add($0, error) } ?? error
        }
        return (total ?? Tensor(shape: [1], values: [0]), x)
    }

    /// KL of the next-token distributions, through the emulator's own top blocks, norm and head.
    private func divergence(
        from output: Tensor,
        _ layout: SequenceLayout,
        _ teacher: TeacherStates,
        _ tape: Tape
    ) -> Tensor? {
        guard let final = teacher.final, divergenceWeight > 0 else { return nil }
        let top = split.thinnedMiddle.upperBound..<split.emulatorLayerCount
        let student = emulator.normed(emulator.run(blocks: top, from: output, layout: layout, on: tape), on: tape)
        return tape.linearDivergence(
            student,
            teacher: final,
            head: emulator.headWeight,
            divisor: Float(Double(student.rows) / divergenceWeight)
        )
    }

    private func adding(_ term: Tensor?, to loss: Tensor, on tape: Tape) -> Tensor {
        term.map { tape.add(loss, $0) } ?? loss
    }
}
