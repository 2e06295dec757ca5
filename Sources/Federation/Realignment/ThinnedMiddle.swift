import Emulators
import LanguageModels
import TensorEngine

/// The weights of an emulator's middle as one vector, in an order that owner and data holders share.
struct ThinnedMiddle {
    private let parameters: [Parameter]

    init(of emulator: LanguageModel, _ metadata: EmulatorMetadata) {
        let range = metadata.bottom..<(metadata.bottom + metadata.kept)
        parameters = emulator.blocks[range].flatMap(\.parameters).sorted { $0.name < $1.name }
    }

    /// Numbers in it.
    var count: Int { parameters.reduce(0) { $0 + $1.value.count } }

    var values: [Float] {
        var values: [Float] = []
        values.reserveCapacity(count)
        for parameter in parameters { parameter.value.withUnsafeBufferPointer { values.append(contentsOf: $0) } }
        return values
    }

    /// - Throws: `FederationError.wrongLength`.
    func set(_ values: [Float], from peer: String) throws {
        guard values.count == count else {
            throw FederationError.wrongLength(from: peer, found: values.count, expected: count)
        }
        var offset = 0
        for parameter in parameters {
            let shape = parameter.value.shape
            let end = offset + parameter.value.count
            // A new tensor: the old one may have given its float32 values up.
            parameter.value = Tensor(shape: shape, values: Array(values[offset..<end]))
            offset = end
        }
    }
}
