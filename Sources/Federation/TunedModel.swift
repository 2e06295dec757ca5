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

    /// The owner's full model with the adapter blocks that the emulator shares with it, under the emulator's names.
    ///
    /// - Throws: `FederationError.invalidConfiguration` for a model of another depth; `PEFTError`.
    public convenience init(
        full model: LanguageModel,
        metadata: EmulatorMetadata,
        method: TuningMethod,
        seed: UInt64
    ) throws {
        guard model.blocks.count == metadata.fullLayers else {
            throw FederationError.invalidConfiguration(
                reason:
                    "The model has \(model.blocks.count) blocks but the emulator was cut from \(metadata.fullLayers)",
                remedy: "give the full model that the emulator came from"
            )
        }
        let map = metadata.layerMap
        let layers = metadata.adapterLayers.compactMap { map.fullLayer(forEmulatorLayer: $0) }
        self.init(model: model, adapter: try method.attach(to: model, layers: layers, seed: seed)) { name in
            TensorName.replacingLayer(in: name) { map.emulatorLayer(forFullLayer: $0) } ?? name
        }
    }

    /// Throws unless the numbers of another model's adapter mean the same here.
    ///
    /// - Throws: `FederationError.invalidConfiguration`.
    public func requireSchema(_ other: AdapterSchema) throws {
        guard schema == other else {
            throw FederationError.invalidConfiguration(
                reason: "The full model's adapter blocks differ from the emulator's",
                remedy: "give the full model that the emulator came from"
            )
        }
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
