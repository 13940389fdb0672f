import Foundation

/// A request is a line or two; more than this is not for us.
private let maxRequestBytes = 1024 * 1024

private struct StateChange: Decodable { let state: String }
private struct SavedState: Decodable { let path: String }
private struct Shares: Decodable { let shares: [Share] }

/// vfkit's REST service and what goes beyond it, HTTP/1.1 on a unix socket, one request a connection.
struct RestService {
    let machine: Machine

    func serve(at path: String) throws {
        acceptForever(try listenStream(at: path)) { connection in
            defer { close(connection) }
            guard let (call, body) = readRequest(connection) else { return }
            let (status, answer) = self.answer(call, body)
            let data = answer.flatMap { try? JSONSerialization.data(withJSONObject: $0) } ?? Data()
            let head = "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\nContent-Length: \(data.count)\r\nConnection: close\r\n\r\n"
            _ = writeAll(connection, Data(head.utf8) + data)
        }
    }

    private func answer(_ call: String, _ body: Data) -> (String, [String: Any]?) {
        do {
            switch call {
            case "GET /vm/state": return ("200 OK", machine.status)
            case "GET /vm/inspect": return ("200 OK", machine.inspection)
            case "POST /vm/state": try machine.change(decode(StateChange.self, body).state)
            case "POST /vm/save": try machine.save(to: decode(SavedState.self, body).path)
            case "POST /vm/restore": try machine.restore(from: decode(SavedState.self, body).path)
            case "POST /vm/shares": try machine.setShares(decode(Shares.self, body).shares)
            default: return ("404 Not Found", nil)
            }
            return ("202 Accepted", nil)
        } catch let error as DecodingError {
            return ("400 Bad Request", ["error": "\(error)"])
        } catch {
            return ("500 Internal Server Error", ["error": "\(error)"])
        }
    }

    private func decode<Body: Decodable>(_ type: Body.Type, _ body: Data) throws -> Body {
        try JSONDecoder().decode(type, from: body)
    }
}

/// The method with the path, and the body of as many bytes as Content-Length says.
private func readRequest(_ connection: Int32) -> (String, Data)? {
    var received = Data()
    var buffer = [UInt8](repeating: 0, count: 4096)
    while received.count < maxRequestBytes {
        if let end = received.range(of: Data("\r\n\r\n".utf8)) {
            let lines = String(decoding: received[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
            let length = lines.compactMap(contentLength).first ?? 0
            let body = received[end.upperBound...]
            if body.count >= length {
                return (lines[0].split(separator: " ").prefix(2).joined(separator: " "), Data(body.prefix(length)))
            }
        }
        let count = read(connection, &buffer, buffer.count)
        guard count > 0 else { return nil }
        received.append(contentsOf: buffer[..<count])
    }
    return nil
}

private func contentLength(_ line: String) -> Int? {
    let pair = line.split(separator: ":", maxSplits: 1)
    guard pair.count == 2, pair[0].lowercased() == "content-length" else { return nil }
    return Int(pair[1].trimmingCharacters(in: .whitespaces))
}
