import Emulators
import LanguageModels
import PEFT
import TensorEngine

/// An adapter on a model together with the order in which its numbers travel.
public final class TunedModel {
    /// The model, its adapter attached.
    public let model: LanguageModel
    /// What is trained.
    public let adapter: any Adapter
    /// The names and shapes of what is trained, in the order in which the numbers travel.
    public let schema: AdapterSchema
    private let ordered: [Parameter]

    /// - Parameter nameOnWire: the emulator's name of a parameter; the identity on the emulator.
    init(model: LanguageModel, adapter: any Adapter, nameOnWire: (String) -> String) {
        self.model = model
        self.adapter = adapter
        let named = adapter.parameters.map { (name: nameOnWire($0.name), parameter: $0) }.sorted { $0.name < $1.name }
        ordered = named.map(\.parameter)
        schema = AdapterSchema(named.map { AdapterSchema.Entry(name: $0.name, shape: $0.parameter.value.shape) })
    }

    /// An emulator as a data holder tunes it.
    ///
    /// - Throws: `PEFTError`.
    public convenience init(
        emulator: LanguageModel,
        metadata: EmulatorMetadata,
        method: TuningMethod,
        seed: UInt64
    ) throws {
        let adapter = try method.attach(to: emulator, layers: metadata.adapterLayers, seed: seed)
        self.init(model: emulator, adapter: adapter) { $0 }
    }

    /// Where a parameter's numbers lie in the state; nil when it is not trained.
    public func range(of parameter: Parameter) -> Range<Int>? {
        var offset = 0
        for candidate in ordered {
            let end = offset + candidate.value.count
            if candidate === parameter { return offset..<end }
            offset = end
        }
        return nil
    }

    /// ⟨g, v⟩ with the gradients of the last backward pass for each of some vectors of the state's length, and ⟨g, g⟩.
    public func gradientProducts(_ vectors: [[Float]]) -> (products: [Double], squaredNorm: Double) {
        var products = [Double](repeating: 0, count: vectors.count)
        var squaredNorm = 0.0
        var offset = 0
        for parameter in ordered {
            let end = offset + parameter.value.count
            parameter.gradient?.withUnsafeBufferPointer { gradient in
                squaredNorm += dot(gradient, gradient)
                for (index, vector) in vectors.enumerated() {
                    vector.withUnsafeBufferPointer {
                        products[index] += dot(gradient, UnsafeBufferPointer(rebasing: $0[offset..<end]))
                    }
                }
            }
            offset = end
        }
        return (products, squaredNorm)
    }

    /// The adapter's numbers now.
    public var state: AdapterState {
        get {
            var values: [Float] = []
            values.reserveCapacity(schema.count)
            for parameter in ordered { parameter.value.withUnsafeBufferPointer { values.append(contentsOf: $0) } }
            return AdapterState(values: values)
        }
        set {
            precondition(newValue.values.count == schema.count, "a state has the adapter's length")
            var offset = 0
            for parameter in ordered {
                parameter.value.withUnsafeMutableBufferPointer { buffer in
                    for index in buffer.indices { buffer[index] = newValue.values[offset + index] }
                    offset += buffer.count
                }
            }
        }
    }
}
