/// A table for people: columns padded, numbers to the right.
struct Table {
    private let header: [String]
    private var rows: [[String]] = []

    init(_ header: [String]) { self.header = header }

    /// Adds a row; it has as many cells as the header.
    mutating func add(_ row: [String]) { rows.append(row) }

    /// The lines, without a final newline.
    var text: String {
        let all = [header] + rows
        let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        let isNumeric = header.indices.map { column in
            !rows.isEmpty
                && rows.allSatisfy {
                    $0[column].isEmpty || $0[column].first?.isNumber == true || "-+±".contains($0[column].prefix(1))
                }
        }
        return all.map { row in
            var line = ""
            for column in row.indices {
                let padding = String(repeating: " ", count: widths[column] - row[column].count)
                line += isNumeric[column] ? padding + row[column] : row[column] + padding
                if column < row.count - 1 { line += "  " }
            }
            while line.last == " " { line.removeLast() }
            return line
        }.joined(separator: "\n")
    }
}
