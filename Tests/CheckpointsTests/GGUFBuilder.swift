import Foundation

/// Puts GGUF bytes together by hand, right or wrong.
struct GGUFBuilder {
    var magic = Data("GGUF".utf8)
    var version: UInt32 = 3
    var tensorCount: UInt64?
    var metadataCount: UInt64?
    var alignment = 32
    private var entries: [Data] = []
    private var tensors: [(header: (UInt64) -> Data, data: Data, offset: UInt64?)] = []

    static func text(_ string: String) -> Data { .joined(.bytes(UInt64(string.utf8.count)), Data(string.utf8)) }

    mutating func add(_ key: String, type: UInt32, _ value: Data) {
        entries.append(.joined(Self.text(key), .bytes(type), value))
    }

    mutating func add(_ key: String, _ value: String) { add(key, type: 8, Self.text(value)) }

    mutating func add(_ key: String, _ value: UInt32) { add(key, type: 4, .bytes(value)) }

    mutating func add(_ key: String, float value: Float) { add(key, type: 6, .bytes(value)) }

    /// `extents`: innermost first, as ggml writes them; `offset`: a lie about where the data lie.
    mutating func add(tensor name: String, type: UInt32, extents: [UInt64], data: Data, offset: UInt64? = nil) {
        let header = { (place: UInt64) -> Data in
            let sizes = Data(extents.flatMap { Data.bytes($0) })
            return .joined(Self.text(name), .bytes(UInt32(extents.count)), sizes, .bytes(type), .bytes(place))
        }
        tensors.append((header, data, offset))
    }

    func build() -> Data {
        var result = Data.joined(
            magic,
            .bytes(version),
            .bytes(tensorCount ?? UInt64(tensors.count)),
            .bytes(metadataCount ?? UInt64(entries.count))
        )
        for entry in entries { result += entry }
        var place = 0
        for tensor in tensors {
            result += tensor.header(tensor.offset ?? UInt64(place))
            place = (place + tensor.data.count + alignment - 1) / alignment * alignment
        }
        for tensor in tensors {
            result += Data(repeating: 0, count: (alignment - result.count % alignment) % alignment)
            result += tensor.data
        }
        return result
    }
}
