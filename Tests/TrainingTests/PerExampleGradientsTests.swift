import LanguageModels
import TensorEngine
import TestSupport
import Testing
import Training

/// Ghost norms and weighted sums against one tape for each record.
@Suite struct PerExampleGradientsTests {
    /// Long and short, odd and even, of more rows than a block of row products, and one of the shortest.
    private static let lengths = [9, 60, 17, 4, 2, 33]

    @Test(arguments: ExampleAdapter.all) func normsAreThoseOfSingleRecords(_ adapter: ExampleAdapter) throws {
        let (model, parameters) = try adapter.make()
        let examples = ExampleAdapter.examples(Self.lengths, prompt: 3)
        let gradients = ExampleAdapter.together(model, parameters, examples)
        #expect(gradients.obstacle == nil)
        #expect(parameters.allSatisfy { $0.gradient == nil })
        let norms = gradients.norms()
        let tolerance = adapter.precision == .float32 ? 1e-5 : 2e-3
        for (example, found) in zip(examples, norms) {
            let expected = norm(ExampleAdapter.gradient(model, parameters, example).flatMap { $0 })
            #expect(expected > 0)
            #expect(abs(found.value - expected) < tolerance * expected)
            #expect(found.bound > found.value && found.bound < found.value * 1.0005)
        }
    }

    @Test(arguments: ExampleAdapter.all) func sumsAreThoseOfSingleRecords(_ adapter: ExampleAdapter) throws {
        let (model, parameters) = try adapter.make()
        let examples = ExampleAdapter.examples(Self.lengths)
        let weights: [Float] = [1, 0.25, -3, 0, 0.7, 2]
        let gradients = ExampleAdapter.together(model, parameters, examples)
        let found = ExampleAdapter.sum(gradients, weights, parameters)
        var expected = parameters.map { [Float](repeating: 0, count: $0.value.count) }
        for (example, weight) in zip(examples, weights) {
            for (place, own) in ExampleAdapter.gradient(model, parameters, example).enumerated() {
                for index in own.indices { expected[place][index] += weight * own[index] }
            }
        }
        let tolerance = adapter.precision == .float32 ? 1e-5 : 5e-3
        for (place, parameter) in parameters.enumerated() {
            // A key's bias moves all scores of a query alike: its gradient is rounding, and only its size can be compared.
            let scale = norm(expected.flatMap { $0 }) * 1e-3
            let difference = zip(found[place], expected[place]).map { $0 - $1 }
            #expect(norm(difference) < tolerance * max(norm(expected[place]), scale), "\(parameter.name)")
        }
    }

    /// The sum of one record alone, weighted by C over the bound on its norm, is no longer than C.
    @Test(arguments: ExampleAdapter.all) func whatIsClippedIsNoLongerThanTheClip(_ adapter: ExampleAdapter) throws {
        let (model, parameters) = try adapter.make()
        let examples = ExampleAdapter.examples((2...40).map { $0 })
        let gradients = ExampleAdapter.together(model, parameters, examples)
        for (index, bound) in gradients.norms().map(\.bound).enumerated() {
            var weights = [Float](repeating: 0, count: examples.count)
            weights[index] = Float(0.1 / bound).nextDown
            let length = norm(ExampleAdapter.sum(gradients, weights, parameters).flatMap { $0 })
            #expect(length <= 0.1 && length > 0.0999)
        }
    }

    @Test(arguments: ExampleAdapter.all.filter { $0.precision == .float32 })
    func aRecordWithoutLossHasNoGradient(_ adapter: ExampleAdapter) throws {
        let (model, parameters) = try adapter.make()
        var examples = ExampleAdapter.examples([12, 7, 20])
        examples[1].labels = examples[1].labels.map { _ in EncodedExample.ignoredLabel }
        let gradients = ExampleAdapter.together(model, parameters, examples)
        let norms = gradients.norms()
        #expect(norms[1].value == 0 && norms[1].bound == 0 && norms[0].value > 0 && norms[2].value > 0)
        #expect(ExampleAdapter.sum(gradients, [0, 1, 0], parameters).allSatisfy { $0.allSatisfy { $0 == 0 } })
    }

    @Test func onlyTheWantedParametersCount() throws {
        let adapter = ExampleAdapter(architecture: "llama", isLoRA: false)
        let (model, parameters) = try adapter.make()
        let wanted = parameters.filter { $0.name.contains("mlp") }
        let example = ExampleAdapter.examples([15])
        let found = ExampleAdapter.together(model, wanted, example).norms()[0].value
        let expected = norm(ExampleAdapter.gradient(model, wanted, example[0]).flatMap { $0 })
        #expect(abs(found - expected) < 1e-5 * expected)
    }

    @Test func notANumberIsNotSwallowed() throws {
        let (model, parameters) = try ExampleAdapter(architecture: "llama", isLoRA: true).make()
        parameters[0].value.values = parameters[0].value.values.map { _ in .nan }
        let norms = ExampleAdapter.together(model, parameters, ExampleAdapter.examples([6, 8])).norms()
        #expect(norms.allSatisfy { $0.value.isNaN && $0.bound.isNaN })
    }

    // MARK: - What it cannot do it says

    private func obstacle(_ parameters: [Parameter], _ loss: (Tape) -> Tensor) -> String? {
        let gradients = PerExampleGradients(
            of: parameters,
            layout: SequenceLayout(lengths: [3, 2]),
            divisors: [3, 2]
        )
        _ = loss(Tape(examples: gradients))
        return gradients.obstacle
    }

    private func matrix(_ name: String, isTrainable: Bool = true) -> Parameter {
        let values = (0..<36).map { Float($0 % 7) * 0.1 - 0.3 }
        return Parameter(name: name, value: Tensor(shape: [6, 6], values: values), isTrainable: isTrainable)
    }

    @Test func anEmbeddingAHeadOrASecondUseIsAnObstacle() {
        let (table, head, weight) = (matrix("table"), matrix("head"), matrix("weight"))
        func loss(_ tape: Tape, uses: Int = 1, head: Parameter, table: Parameter) -> Tensor {
            var x = tape.embedding([0, 1, 2, 3, 4], table: table)
            for _ in 0..<uses { x = tape.linear(x, weight: weight) }
            return tape.linearCrossEntropy(x, head: head, labels: [1, 2, -100, 3, -100])
        }
        let (fixed, end) = (matrix("table", isTrainable: false), matrix("head", isTrainable: false))
        #expect(obstacle([weight]) { loss($0, head: end, table: fixed) } == nil)
        #expect(obstacle([weight, table]) { loss($0, head: end, table: table) }?.contains("table") == true)
        #expect(obstacle([weight, head]) { loss($0, head: head, table: fixed) }?.contains("head") == true)
        #expect(obstacle([weight]) { loss($0, uses: 2, head: end, table: fixed) }?.contains("twice") == true)
        // What is not wanted may be trained anyhow.
        #expect(obstacle([weight]) { loss($0, head: head, table: table) } == nil)
    }

    @Test func rowsOrLossesOfOtherKindsAreAnObstacle() {
        let (table, head, weight) = (matrix("t", isTrainable: false), matrix("h", isTrainable: false), matrix("weight"))
        func hidden(_ tape: Tape, _ ids: [Int32]) -> Tensor {
            tape.linear(tape.embedding(ids, table: table), weight: weight)
        }
        let labels: [Int32] = [1, 2, -100, 3, -100]
        let fewer = obstacle([weight]) { tape in
            _ = hidden(tape, [0, 1])
            return tape.linearCrossEntropy(tape.embedding([0, 1, 2, 3, 4], table: table), head: head, labels: labels)
        }
        #expect(fewer?.contains("rows") == true)
        let distance = obstacle([weight]) { tape in
            let x = hidden(tape, [0, 1, 2, 3, 4])
            return tape.normalizedSquaredError(x, teacher: x.copy(), normalization: .global)
        }
        #expect(distance != nil)
        let none = obstacle([weight]) { hidden($0, [0, 1, 2, 3, 4]) }
        #expect(none?.contains("cross-entropy") == true)
    }
}
