"""The Slack stand-in as a service of the stack: `GET /messages` tells what it was sent."""

from aiohttp import web

from tests.servers.slack import SlackServer, _application


def main() -> None:
    state = SlackServer()

    async def messages(request: web.Request) -> web.Response:
        return web.json_response(state.messages)

    application = _application(state)
    application.router.add_get("/messages", messages)
    web.run_app(application, host="0.0.0.0", port=8080, access_log=None, print=None)


if __name__ == "__main__":
    main()
