import TensorEngine

/// Where an architecture gets its named parameters: a checkpoint, another model, fresh noise.
///
/// An architecture file names every tensor and shape exactly once, by asking for it; loading, thinning and
/// initialising are then three providers instead of three lists of names.
protocol WeightProvider: AnyObject {
    /// The parameter `name` of the given shape.
    func parameter(_ name: String, shape: [Int]) throws -> Parameter
}

/// Parameters of another model's blocks under new names: how an emulator is cut out of the full model.
final class BlockProvider: WeightProvider {
    private let parameters: [String: Parameter]
    private let newPrefix: String
    private let copiesValues: Bool

    /// - Parameters:
    ///   - parameters: the block's parameters by the part of the name behind `oldPrefix`.
    ///   - copiesValues: whether the new parameters own their values or share those of the old ones.
    init(of block: any DecoderBlock, oldPrefix: String, newPrefix: String, copiesValues: Bool) {
        parameters = Dictionary(
            uniqueKeysWithValues: block.parameters.map { (String($0.name.dropFirst(oldPrefix.count)), $0) }
        )
        self.newPrefix = newPrefix
        self.copiesValues = copiesValues
    }

    func parameter(_ name: String, shape: [Int]) throws -> Parameter {
        guard let source = parameters[String(name.dropFirst(newPrefix.count))], source.value.shape == shape else {
            throw LanguageModelError.tensorSet(path: "of the source model", missing: [name], extra: [])
        }
        let value = copiesValues ? Tensor(shape: shape, values: source.value.values) : source.value
        let parameter = Parameter(name: name, value: value)
        parameter.precision = source.precision
        return parameter
    }
}

/// Fresh weights as Hugging Face initialises them: matrices N(0, deviation²), norms one, biases zero.
final class FreshProvider: WeightProvider {
    private var generator: SeededGenerator
    private let deviation: Double

    init(deviation: Double, generator: SeededGenerator) {
        self.deviation = deviation
        self.generator = generator
    }

    func parameter(_ name: String, shape: [Int]) throws -> Parameter {
        let count = shape.reduce(1, *)
        let values: [Float]
        if shape.count == 1 {
            values = [Float](repeating: name.hasSuffix(".weight") ? 1 : 0, count: count)
        } else {
            values = (0..<count).map { _ in Float(generator.normal() * deviation) }
        }
        return Parameter(name: name, value: Tensor(shape: shape, values: values))
    }
}
