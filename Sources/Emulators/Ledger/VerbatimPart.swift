import Foundation
import LanguageModels
import TensorEngine

/// What of one tensor of the full model travels bit for bit: all of it, or whole rows or columns.
public struct VerbatimPart: Codable, Sendable, Equatable {
    /// The tensor's name in the full model.
    public var tensor: String
    /// Its extents there.
    public var shape: [Int]
    /// The rows that travel; nil: see `columns`, and with neither the whole tensor.
    public var rows: IndexRanges?
    /// The columns that travel.
    public var columns: IndexRanges?

    /// Names a part.
    public init(tensor: String, shape: [Int], rows: IndexRanges? = nil, columns: IndexRanges? = nil) {
        self.tensor = tensor
        self.shape = shape
        self.rows = rows
        self.columns = columns
    }

    /// How many numbers of the full model it is.
    public var count: Int {
        let all = shape.reduce(1, *)
        guard shape.count == 2 else { return all }
        switch (rows?.count, columns?.count) {
        case (nil, nil): return all
        case (let rows?, nil): return rows * shape[1]
        case (nil, let columns?): return columns * shape[0]
        case (let rows?, let columns?): return rows * shape[1] + columns * shape[0] - rows * columns
        }
    }

    /// What is in this part, the other, or both; both have to be of one tensor.
    func union(_ other: VerbatimPart) -> VerbatimPart {
        let isWhole = (rows == nil && columns == nil) || (other.rows == nil && other.columns == nil)
        if isWhole { return VerbatimPart(tensor: tensor, shape: shape) }
        func both(_ left: IndexRanges?, _ right: IndexRanges?) -> IndexRanges? {
            left.map { left in right.map { left.union($0) } ?? left } ?? right
        }
        return VerbatimPart(
            tensor: tensor,
            shape: shape,
            rows: both(rows, other.rows),
            columns: both(columns, other.columns)
        )
    }
}

extension VerbatimPart {
    /// Finds what of the full model an emulator holds unchanged, however it was thinned: equal tensors, and in matrices
    /// that lost rows or columns the ones that are left and equal.
    ///
    /// Parts of vectors are not looked for: single numbers are often equal by chance.
    ///
    /// - Parameter sourceLayers: the full model's block behind each emulator block.
    public static func find(
        in emulator: LanguageModel,
        of full: LanguageModel,
        sourceLayers: [Int]
    ) -> [VerbatimPart] {
        let originals = Dictionary(full.parameters.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        return emulator.parameters.compactMap { parameter in
            var name = parameter.name
            if TensorName.layer(of: name) != nil {
                let renamed = TensorName.replacingLayer(in: name) {
                    sourceLayers.indices.contains($0) ? sourceLayers[$0] : nil
                }
                guard let renamed else { return nil }
                name = renamed
            }
            return originals[name].flatMap { part(name, shipped: parameter.value, original: $0) }
        }
    }

    private static func part(_ name: String, shipped: Tensor, original: Tensor) -> VerbatimPart? {
        let shape = original.shape
        if shipped === original { return VerbatimPart(tensor: name, shape: shape) }
        return shipped.withUnsafeBufferPointer { left in
            original.withUnsafeBufferPointer { right in
                if shipped.shape == shape, isEqual(left, right) { return VerbatimPart(tensor: name, shape: shape) }
                guard shape.count == 2, shipped.shape.count == 2 else { return nil }
                if shipped.shape[1] == shape[1] {
                    let rows = commonVectors(
                        left,
                        right,
                        count: shape[1],
                        shipped: shipped.shape[0],
                        original: shape[0],
                        shippedPlace: { $0 * shape[1] + $1 },
                        place: { $0 * shape[1] + $1 }
                    )
                    return rows.count == 0 ? nil : VerbatimPart(tensor: name, shape: shape, rows: rows)
                }
                guard shipped.shape[0] == shape[0] else { return nil }
                let columns = commonVectors(
                    left,
                    right,
                    count: shape[0],
                    shipped: shipped.shape[1],
                    original: shape[1],
                    shippedPlace: { $1 * shipped.shape[1] + $0 },
                    place: { $1 * shape[1] + $0 }
                )
                return columns.count == 0 ? nil : VerbatimPart(tensor: name, shape: shape, columns: columns)
            }
        }
    }

    private static func isEqual(_ left: UnsafeBufferPointer<Float>, _ right: UnsafeBufferPointer<Float>) -> Bool {
        guard left.count == right.count, let first = left.baseAddress, let second = right.baseAddress else {
            return left.count == right.count
        }
        return memcmp(first, second, left.count * MemoryLayout<Float>.stride) == 0
    }

    /// The numbers of the original's vectors (rows or columns) that are among the shipped ones, bit for bit.
    ///
    /// - Parameters:
    ///   - count: elements of a vector.
    ///   - shippedPlace: where element `$1` of the shipped vector `$0` lies.
    ///   - place: the same for the original.
    private static func commonVectors(
        _ left: UnsafeBufferPointer<Float>,
        _ right: UnsafeBufferPointer<Float>,
        count: Int,
        shipped: Int,
        original: Int,
        shippedPlace: (Int, Int) -> Int,
        place: (Int, Int) -> Int
    ) -> IndexRanges {
        func key(_ values: UnsafeBufferPointer<Float>, _ vector: Int, _ place: (Int, Int) -> Int) -> [UInt32] {
            (0..<min(4, count)).map { values[place(vector, $0 * (count / min(4, count)))].bitPattern }
        }
        var candidates: [[UInt32]: [Int]] = [:]
        for vector in 0..<shipped { candidates[key(left, vector, shippedPlace), default: []].append(vector) }
        return IndexRanges(
            (0..<original).filter { vector in
                (candidates[key(right, vector, place)] ?? []).contains { candidate in
                    (0..<count).allSatisfy {
                        left[shippedPlace(candidate, $0)].bitPattern == right[place(vector, $0)].bitPattern
                    }
                }
            }
        )
    }
}
