import Foundation
import TensorEngine
import Training

/// A bigram model: embedding, norm, head. Small enough that a test may train it many times.
final class TinyModel {
    let table: Parameter
    let scale: Parameter
    let head: Parameter
    var parameters: [Parameter] { [table, scale, head] }

    init(vocabulary: Int = 24, width: Int = 16, seed: UInt64 = 1) {
        var generator = SeededGenerator(seed: seed)
        func random(_ shape: [Int]) -> Tensor {
            Tensor(shape: shape, values: (0..<shape.reduce(1, *)).map { _ in Float(generator.normal()) * 0.3 })
        }
        table = Parameter(name: "table", value: random([vocabulary, width]), isTrainable: true)
        scale = Parameter(
            name: "scale",
            value: Tensor(shape: [width], values: [Float](repeating: 1, count: width)),
            isTrainable: true
        )
        head = Parameter(name: "head", value: random([vocabulary, width]), isTrainable: true)
    }

    func loss(_ batch: [EncodedExample], _ tape: Tape, _ divisor: Float) -> Tensor {
        let ids = batch.flatMap(\.ids)
        let labels = batch.flatMap { Array($0.labels.dropFirst()) + [EncodedExample.ignoredLabel] }
        let hidden = tape.rmsNorm(tape.embedding(ids, table: table), weight: scale, epsilon: 1e-5)
        return tape.linearCrossEntropy(hidden, head: head, labels: labels, divisor: divisor)
    }

    static func examples(_ count: Int, vocabulary: Int = 24, seed: UInt64 = 5) -> [EncodedExample] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { index in
            let ids = (0..<Int.random(in: 3...9, using: &generator)).map { _ in
                Int32.random(in: 0..<Int32(vocabulary), using: &generator)
            }
            var labels = ids
            labels[0] = EncodedExample.ignoredLabel
            return EncodedExample(ids: ids, labels: labels, recordIndex: index)
        }
    }
}

/// One token a byte (id = byte), plus a few special tokens above.
struct ByteTokenizer: TokenEncoding {
    static let specials: [String: Int32] = ["<|im_start|>": 256, "<|im_end|>": 257, "<eos>": 258]
    var endID: Int32? = 258
    var knowsChatML = true

    func encode(_ text: String, parsesSpecialTokens: Bool) -> [Int32] {
        if parsesSpecialTokens, let id = Self.specials[text] { return [id] }
        return text.utf8.map(Int32.init)
    }

    func id(of token: String) -> Int32? {
        knowsChatML || token == "<eos>" ? Self.specials[token] : nil
    }
}

func decoded(_ ids: some Sequence<Int32>) -> String {
    let names = Dictionary(uniqueKeysWithValues: ByteTokenizer.specials.map { ($0.value, $0.key) })
    var bytes: [UInt8] = []
    for id in ids {
        if let name = names[id] { bytes += Array(name.utf8) } else { bytes.append(UInt8(truncatingIfNeeded: id)) }
    }
    return String(decoding: bytes, as: UTF8.self)
}

func bits(_ parameters: [Parameter]) -> [UInt32] {
    parameters.flatMap { $0.value.values.map(\.bitPattern) }
}

func temporaryPath(_ name: String = "") -> String {
    NSTemporaryDirectory() + "fsot-training-\(UUID().uuidString)\(name)"
}
