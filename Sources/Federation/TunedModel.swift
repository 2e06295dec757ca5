import LanguageModels
import PEFT
import TensorEngine

/// An adapter on a model together with the order in which its numbers travel.
final class TunedModel {
    let model: LanguageModel
    let adapter: any Adapter
    let schema: AdapterSchema
    private let ordered: [Parameter]

    /// - Parameter nameOnWire: the emulator's name of a parameter; the identity on the emulator.
    init(model: LanguageModel, adapter: any Adapter, nameOnWire: (String) -> String) {
        self.model = model
        self.adapter = adapter
        let named = adapter.parameters.map { (name: nameOnWire($0.name), parameter: $0) }.sorted { $0.name < $1.name }
        ordered = named.map(\.parameter)
        schema = AdapterSchema(named.map { AdapterSchema.Entry(name: $0.name, shape: $0.parameter.value.shape) })
    }

    /// The adapter's numbers now.
    var state: AdapterState {
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
