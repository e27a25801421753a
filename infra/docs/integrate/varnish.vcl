vcl 4.1;
# Varnish asks Footfall first, and keeps one copy of the homepage for each cache key. The site prints the
# variant it is told; it need not know of Footfall. `header` is of the package varnish-modules.
import cookie;
import header;

backend site { .host = "127.0.0.1"; .port = "8082"; }
backend footfall {
    .host = "127.0.0.1"; .port = "8081";
    .connect_timeout = 50ms; .first_byte_timeout = 100ms; .between_bytes_timeout = 50ms;
}

sub vcl_recv {
    set req.backend_hint = site;
    if (req.restarts == 0) { # what visitors send of these is theirs: asked with our key, it would count
        unset req.http.Footfall-User-Id;
        unset req.http.Footfall-User-Token;
        unset req.http.Footfall-Profile-Id;
        unset req.http.Footfall-Gpc;
        unset req.http.Footfall-Explain;
        unset req.http.Footfall-Ask;
        unset req.http.Footfall-Variant;
        unset req.http.Footfall-Key;
        unset req.http.Footfall-Decision;
        unset req.http.Footfall-Anonymous-Id;
        if (req.url ~ "^/(\?|$)" && (req.method == "GET" || req.method == "HEAD")) {
            set req.http.Footfall-Ask = "1";
            set req.backend_hint = footfall;
            return (pass);
        }
    } elsif (req.http.Footfall-Key) {
        set req.url = "/";
        unset req.http.Cookie;
    }
}

sub vcl_backend_fetch {
    if (bereq.http.Footfall-Ask) {
        cookie.parse(bereq.http.Cookie);
        set bereq.http.Footfall-Url = "https://" + bereq.http.Host + bereq.url;
        set bereq.http.Footfall-Referrer = bereq.http.Referer;
        set bereq.http.Footfall-Ip = client.ip;
        set bereq.http.Footfall-User-Agent = bereq.http.User-Agent;
        set bereq.http.Footfall-Language = bereq.http.Accept-Language;
        set bereq.http.Footfall-Anonymous-Id = cookie.get("ff_id");
        set bereq.http.Footfall-Consent = cookie.get("consent");
        set bereq.http.Authorization = "Bearer sk_demo";
        unset bereq.http.Origin;
        unset bereq.http.Cookie;
        set bereq.method = "HEAD";
        set bereq.url = "/v1/homepage";
    } else { # what is this visitor's own is not the site's, or it would be in the copy
        unset bereq.http.Footfall-Decision;
        unset bereq.http.Footfall-Anonymous-Id;
    }
}

sub vcl_hash {
    hash_data(req.http.Footfall-Key);
}

sub vcl_deliver {
    if (req.http.Footfall-Ask) {
        unset req.http.Footfall-Ask;
        set req.http.Footfall-Variant = "classic"; # not asked in time, or not there: the default
        set req.http.Footfall-Key = "classic";
        if (resp.status == 200) {
            set req.http.Footfall-Variant = resp.http.Footfall-Variant;
            set req.http.Footfall-Key = resp.http.Footfall-Cache-Key;
            set req.http.Footfall-Decision = resp.http.Footfall-Decision;
            set req.http.Footfall-Anonymous-Id = resp.http.Footfall-Anonymous-Id;
        }
        return (restart);
    }
    if (req.http.Footfall-Key) { # on the way out, and in no copy
        if (req.http.Footfall-Anonymous-Id ~ ".") {
            header.append(resp.http.Set-Cookie, "ff_id=" + req.http.Footfall-Anonymous-Id
                + "; Path=/; Max-Age=34128000; HttpOnly; SameSite=Lax");
        }
        header.append(resp.http.Set-Cookie, "ff_decision=" + req.http.Footfall-Decision + "; Path=/; SameSite=Lax");
        set resp.http.Cache-Control = "private, no-cache";
    }
}
