/*
 * Projects keys and values, as a registry has them: keys are directories, values are files.
 *
 *     keys FILE ROOT
 *
 * Each line of FILE is a value: Key\Sub\Name=content. Strings have 16-bit units here, as on Windows.
 * It says "ready" once the root is mounted, and stops when its input ends. Deletions are refused.
 *
 *     c++ -std=c++17 -DPROJFS_CHAR16 keys.cpp $(pkg-config --cflags --libs projectedfs) -o keys
 */
#ifndef PROJFS_CHAR16
#define PROJFS_CHAR16
#endif

#include <projectedfslib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace {

struct ByName {
    bool operator()(const std::u16string &one, const std::u16string &other) const
    {
        return PrjFileNameCompare(one.c_str(), other.c_str()) < 0;
    }
};

/* A key with its values and the keys below it. Listed in the order that the library asks for. */
struct Key {
    std::map<std::u16string, std::unique_ptr<Key>, ByName> keys;
    std::map<std::u16string, std::string, ByName> values;
};

/* What is at a path: a key, a value, or neither. */
struct Found {
    const Key *key = nullptr;
    const std::string *value = nullptr;
    std::u16string name;
};

struct Session {
    std::vector<std::pair<std::u16string, PRJ_FILE_BASIC_INFO>> entries;
    std::size_t next = 0;
    std::u16string expression;
    bool captured = false;
};

struct ById {
    bool operator()(const GUID &one, const GUID &other) const
    {
        return std::char_traits<char>::compare(
                   reinterpret_cast<const char *>(&one), reinterpret_cast<const char *>(&other), sizeof(GUID))
            < 0;
    }
};

PRJ_FILE_BASIC_INFO InfoOf(const std::string *value)
{
    PRJ_FILE_BASIC_INFO info = {};
    info.IsDirectory = value == nullptr;
    info.FileSize = value == nullptr ? 0 : static_cast<INT64>(value->size());
    info.FileAttributes = value == nullptr ? FILE_ATTRIBUTE_DIRECTORY : FILE_ATTRIBUTE_READONLY;
    return info;
}

std::u16string ToUtf16(const std::string &text)
{
    return std::filesystem::path(text).u16string();
}

class Provider {
public:
    explicit Provider(std::istream &input)
    {
        for (std::string line; std::getline(input, line);) {
            auto equals = line.find('=');
            if (equals != std::string::npos) {
                Add(ToUtf16(line.substr(0, equals)), line.substr(equals + 1));
            }
        }
    }

    HRESULT Start(const std::u16string &root)
    {
        static const GUID id = { 0x3c5d7e91, 0x20b4, 0x4f6a, { 0x9d, 0x02, 0x7b, 0x33, 0x5a, 0xc4, 0x18, 0xef } };
        HRESULT result = PrjMarkDirectoryAsPlaceholder(root.c_str(), nullptr, nullptr, &id);
        if (FAILED(result) && result != HRESULT_FROM_WIN32(ERROR_REPARSE_POINT_ENCOUNTERED)) {
            return result;
        }
        PRJ_CALLBACKS callbacks = {};
        callbacks.StartDirectoryEnumerationCallback = [](const PRJ_CALLBACK_DATA *data, const GUID *session) {
            return Self(data)->StartEnumeration(data, *session);
        };
        callbacks.EndDirectoryEnumerationCallback = [](const PRJ_CALLBACK_DATA *data, const GUID *session) {
            return Self(data)->EndEnumeration(*session);
        };
        callbacks.GetDirectoryEnumerationCallback = [](const PRJ_CALLBACK_DATA *data, const GUID *session,
                                                        PCWSTR expression, PRJ_DIR_ENTRY_BUFFER_HANDLE buffer) {
            return Self(data)->GetEnumeration(data, *session, expression, buffer);
        };
        callbacks.GetPlaceholderInfoCallback
            = [](const PRJ_CALLBACK_DATA *data) { return Self(data)->GetPlaceholderInfo(data); };
        callbacks.GetFileDataCallback = [](const PRJ_CALLBACK_DATA *data, UINT64 offset, UINT32 length) {
            return Self(data)->GetFileData(data, offset, length);
        };
        callbacks.NotificationCallback = [](const PRJ_CALLBACK_DATA *, BOOLEAN, PRJ_NOTIFICATION notification, PCWSTR,
                                             PRJ_NOTIFICATION_PARAMETERS *) {
            return notification == PRJ_NOTIFICATION_PRE_DELETE ? HRESULT_FROM_NT(STATUS_CANNOT_DELETE) : S_OK;
        };
        PRJ_NOTIFICATION_MAPPING mapping = { PRJ_NOTIFY_PRE_DELETE | PRJ_NOTIFY_FILE_RENAMED, u"" };
        PRJ_STARTVIRTUALIZING_OPTIONS options = {};
        options.NotificationMappings = &mapping;
        options.NotificationMappingsCount = 1;
        return PrjStartVirtualizing(root.c_str(), &callbacks, this, &options, &instance_);
    }

    void Stop() { PrjStopVirtualizing(instance_); }

private:
    static Provider *Self(const PRJ_CALLBACK_DATA *data) { return static_cast<Provider *>(data->InstanceContext); }

    void Add(const std::u16string &path, std::string content)
    {
        Key *key = &root_;
        std::size_t start = 0;
        for (auto end = path.find(u'\\'); end != std::u16string::npos; end = path.find(u'\\', start)) {
            auto &below = key->keys[path.substr(start, end - start)];
            if (!below) {
                below = std::make_unique<Key>();
            }
            key = below.get();
            start = end + 1;
        }
        key->values[path.substr(start)] = std::move(content);
    }

    Found Find(const std::u16string &path) const
    {
        Found found;
        found.key = &root_;
        for (std::size_t start = 0; start < path.size();) {
            auto end = std::min(path.find(u'\\', start), path.size());
            auto name = path.substr(start, end - start);
            auto key = found.key->keys.find(name);
            if (key != found.key->keys.end()) {
                found.name = key->first;
                found.key = key->second.get();
            } else {
                const auto &values = found.key->values;
                auto value = values.find(name);
                found.key = nullptr;
                if (end == path.size() && value != values.end()) {
                    found.name = value->first;
                    found.value = &value->second;
                }
                return found;
            }
            start = end + 1;
        }
        return found;
    }

    HRESULT StartEnumeration(const PRJ_CALLBACK_DATA *data, const GUID &id)
    {
        Found found = Find(data->FilePathName);
        if (found.key == nullptr) {
            return HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND);
        }
        Session session;
        for (const auto &[name, key] : found.key->keys) {
            session.entries.emplace_back(name, InfoOf(nullptr));
        }
        for (const auto &[name, value] : found.key->values) {
            session.entries.emplace_back(name, InfoOf(&value));
        }
        /* Keys and values together, in the order that listings have. */
        std::sort(session.entries.begin(), session.entries.end(),
            [](const auto &one, const auto &other) { return ByName()(one.first, other.first); });
        std::lock_guard<std::mutex> held(lock_);
        sessions_[id] = std::move(session);
        return S_OK;
    }

    HRESULT EndEnumeration(const GUID &id)
    {
        std::lock_guard<std::mutex> held(lock_);
        return sessions_.erase(id) == 1 ? S_OK : E_INVALIDARG;
    }

    HRESULT GetEnumeration(
        const PRJ_CALLBACK_DATA *data, const GUID &id, PCWSTR expression, PRJ_DIR_ENTRY_BUFFER_HANDLE buffer)
    {
        std::lock_guard<std::mutex> held(lock_);
        auto found = sessions_.find(id);
        if (found == sessions_.end()) {
            return E_INVALIDARG;
        }
        Session &session = found->second;
        if (!session.captured || (data->Flags & PRJ_CB_DATA_FLAG_ENUM_RESTART_SCAN) != 0) {
            session.captured = true;
            session.expression = expression == nullptr ? u"" : expression;
            session.next = 0;
        }
        for (bool added = false; session.next < session.entries.size(); session.next++) {
            auto &[name, info] = session.entries[session.next];
            if (!PrjFileNameMatch(name.c_str(), session.expression.c_str())) {
                continue;
            }
            HRESULT result = PrjFillDirEntryBuffer(name.c_str(), &info, buffer);
            if (result == HRESULT_FROM_WIN32(ERROR_INSUFFICIENT_BUFFER) && added) {
                return S_OK;
            }
            if (FAILED(result)) {
                return result;
            }
            added = true;
        }
        return S_OK;
    }

    HRESULT GetPlaceholderInfo(const PRJ_CALLBACK_DATA *data)
    {
        std::u16string path = data->FilePathName;
        Found found = Find(path);
        if (found.key == nullptr && found.value == nullptr) {
            return HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND);
        }
        PRJ_PLACEHOLDER_INFO info = {};
        info.FileBasicInfo = InfoOf(found.value);
        /* The name as it is stored, whatever was typed. */
        path.replace(path.size() - found.name.size(), found.name.size(), found.name);
        return PrjWritePlaceholderInfo(data->NamespaceVirtualizationContext, path.c_str(), &info, sizeof(info));
    }

    HRESULT GetFileData(const PRJ_CALLBACK_DATA *data, UINT64 offset, UINT32 length)
    {
        Found found = Find(data->FilePathName);
        if (found.value == nullptr || found.value->size() < offset + length) {
            return HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND);
        }
        std::unique_ptr<void, decltype(&PrjFreeAlignedBuffer)> buffer(
            PrjAllocateAlignedBuffer(data->NamespaceVirtualizationContext, length), PrjFreeAlignedBuffer);
        if (!buffer) {
            return E_OUTOFMEMORY;
        }
        found.value->copy(static_cast<char *>(buffer.get()), length, offset);
        return PrjWriteFileData(
            data->NamespaceVirtualizationContext, &data->DataStreamId, buffer.get(), offset, length);
    }

    Key root_;
    std::mutex lock_;
    std::map<GUID, Session, ById> sessions_;
    PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT instance_ = nullptr;
};

} // namespace

int main(int argc, char **argv)
{
    if (argc != 3) {
        std::cerr << "usage: " << argv[0] << " FILE ROOT\n";
        return 2;
    }
    std::ifstream file(argv[1]);
    Provider provider(file);
    HRESULT result = provider.Start(ToUtf16(argv[2]));
    if (FAILED(result)) {
        std::cerr << std::hex << "not started: 0x" << static_cast<unsigned>(result) << "\n";
        return 1;
    }
    std::cout << "ready" << std::endl;
    while (std::cin.get() != EOF) {
    }
    provider.Stop();
    return 0;
}
