/// Tensors of another source under other names and, for some, in another order of elements.
final class MappedTensors: TensorSource {
    enum Layout: Equatable {
        /// As it is stored.
        case asStored
        /// llama.cpp stores the rows of each head in pairs for its rotary kernel: row 2j + i for half i, row j.
        case pairedRows(heads: Int)
        /// `[out, in]` in the file, `[in, out]` for GPT-2's Conv1D.
        case transposed
    }

    struct Origin: Equatable {
        let name: String
        let layout: Layout
    }

    let path: String
    let tensorNames: [String]
    private let base: any TensorSource
    private let origins: [String: Origin]

    /// - Throws: `CheckpointError.badMetadata` when a tensor's shape does not allow its layout.
    init(_ base: any TensorSource, origins: [String: Origin]) throws {
        self.base = base
        self.origins = origins
        path = base.path
        tensorNames = origins.keys.sorted()
        for origin in origins.values {
            let shape = try base.info(origin.name).shape
            switch origin.layout {
            case .asStored: break
            case .transposed:
                guard shape.count == 2 else {
                    throw CheckpointError.badMetadata(
                        path: path,
                        key: origin.name,
                        reason: "is no matrix but has shape \(shape)"
                    )
                }
            case .pairedRows(let heads):
                guard shape.count == 1 || shape.count == 2, heads > 0, shape[0] % heads == 0,
                    (shape[0] / heads) % 2 == 0
                else {
                    throw CheckpointError.badMetadata(
                        path: path,
                        key: origin.name,
                        reason: "has shape \(shape), which \(heads) heads of even size cannot share"
                    )
                }
            }
        }
    }

    private func origin(_ name: String) throws -> Origin {
        guard let origin = origins[name] else { throw CheckpointError.missingTensor(path: path, tensor: name) }
        return origin
    }

    func info(_ name: String) throws -> TensorInfo {
        let origin = try origin(name)
        let info = try base.info(origin.name)
        guard origin.layout == .transposed else { return info }
        return TensorInfo(shape: info.shape.reversed(), type: info.type, byteCount: info.byteCount)
    }

    func read(_ name: String, into buffer: UnsafeMutableBufferPointer<Float>) throws {
        let origin = try origin(name)
        let shape = try base.info(origin.name).shape
        let count = shape.reduce(1, *)
        guard buffer.count == count else {
            throw CheckpointError.bufferMismatch(path: path, tensor: name, expected: count, found: buffer.count)
        }
        guard let target = buffer.baseAddress else { return }
        switch origin.layout {
        case .asStored:
            try base.read(origin.name, into: buffer)
        case .pairedRows(let heads):
            let half = shape[0] / heads / 2
            func destination(_ row: Int) -> Int {
                let (head, inner) = row.quotientAndRemainder(dividingBy: 2 * half)
                return head * 2 * half + (inner % 2) * half + inner / 2
            }
            if shape.count == 2, let file = base as? GGUFFile {
                try file.readRows(origin.name, into: target, destination: destination)
            } else {
                let columns = count / max(1, shape[0])
                let stored = try base.values(origin.name)
                for row in 0..<shape[0] {
                    let place = destination(row) * columns
                    for column in 0..<columns { target[place + column] = stored[row * columns + column] }
                }
            }
        case .transposed:
            try transpose(try base.values(origin.name), rows: shape[0], columns: shape[1], into: target)
        }
    }

    private func transpose(
        _ source: [Float],
        rows: Int,
        columns: Int,
        into target: UnsafeMutablePointer<Float>
    ) throws {
        let tile = 32
        source.withUnsafeBufferPointer { source in
            for top in stride(from: 0, to: rows, by: tile) {
                for left in stride(from: 0, to: columns, by: tile) {
                    for row in top..<min(top + tile, rows) {
                        for column in left..<min(left + tile, columns) {
                            target[column &* rows &+ row] = source[row &* columns &+ column]
                        }
                    }
                }
            }
        }
    }
}
