import CKernels

extension Tape {
    /// Rows of a table: y[i] = table[ids[i]].
    ///
    /// Backward: dtable[ids[i]] += dy[i], in row order. `table` is `[vocabulary, dim]`; the result `[ids.count, dim]`.
    public func embedding(_ ids: [Int32], table: Parameter) -> Tensor {
        let dim = table.value.columns
        let vocabulary = table.value.rows
        for id in ids {
            precondition(id >= 0 && Int(id) < vocabulary, "token \(id) lies outside the table of \(vocabulary) rows.")
        }
        let y = output([ids.count, dim], requiresGradientIf: table.isTrainable)
        for (row, id) in ids.enumerated() { table.value.copyRow(Int(id), to: y.pointer + row * dim) }
        if y.requiresGradient {
            examples?.refuse(table)
            record(y) { dy in
                let gradient = table.gradientBuffer().pointer
                for (row, id) in ids.enumerated() {
                    fsot_add_into(gradient + Int(id) * dim, dy.pointer + row * dim, dim)
                }
            }
        }
        return y
    }
}
