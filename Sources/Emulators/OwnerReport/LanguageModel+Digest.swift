import Cryptography
import Foundation
import LanguageModels
import TensorEngine
import Training

extension LanguageModel {
    /// SHA-256 over architecture, names, shapes and bits of all parameters: what decides every figure measured on the model.
    ///
    /// - Throws: `OpenSSLError`.
    func weightsDigest() throws -> String {
        let hash = try BulkSHA256()
        func update(_ text: String) throws { try Data(text.utf8).withUnsafeBytes { try hash.update($0) } }
        try update("\(configuration.architecture.rawValue) \(precision.rawValue)\n")
        for parameter in parameters {
            try update("\(parameter.name) \(parameter.value.shape)\n")
            try parameter.value.withUnsafeBufferPointer { try hash.update(UnsafeRawBufferPointer($0)) }
        }
        return try hash.finalize().hexadecimal
    }
}

extension SHA256 {
    /// The digest of token sequences with their labels, hexadecimal.
    static func hexadecimal(of examples: [EncodedExample]) -> String {
        let hasher = SHA256()
        for example in examples {
            for values in [[Int32(example.ids.count)], example.ids, example.labels] {
                values.withUnsafeBytes { hasher.update($0) }
            }
        }
        return hasher.finalize().hexadecimal
    }
}
